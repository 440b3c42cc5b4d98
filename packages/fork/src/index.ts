export { ForkProcess } from './fork-process.js'
export { lookUpFolder, resolveSpecifier, type ModuleSpecifier } from './module-specifier.js'
export { functionReference, type FunctionReference } from './function-reference.js'
export { checkNames } from './option-names.js'
export type { ExecOptions } from './spawn.js'
export { afterFork, beforeFork, type BeforeHook, type Hook } from './fork-hooks.js'
export type { ForkMode, MadeBy } from './mode.js'
export { checkRestrictions, type Resource, type Restrictions } from './restrictions.js'
export {
  ForkError,
  NotForkableError,
  ProcessExitedError,
  describeExit,
  type ExitStatus,
  type ForkErrorCode,
} from './errors.js'
export { fromPlainError, toPlainError, type PlainError } from './error-codec.js'
export { memoryOf, type MemoryFigures } from './memory.js'
export type { CheckReport, Finding, OpenDescriptor, Severity } from './check.js'
export type { InspectOptions } from './inspect-options.js'
export { closeAtThreadEnd } from './thread-end.js'
