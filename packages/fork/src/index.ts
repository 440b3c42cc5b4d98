export type { CheckReport, Finding, OpenDescriptor, Severity } from './protocol/check-report.js'
export { fromPlainError, type PlainError, toPlainError } from './error-codec.js'
export {
  describeExit,
  type ExitStatus,
  ForkError,
  type ForkErrorCode,
  NotForkableError,
  ProcessExitedError,
} from './errors.js'
export { afterFork, type BeforeHook, beforeFork, type Hook } from './fork-hooks.js'
export { ForkProcess } from './fork-process.js'
export { type FunctionReference, functionReference } from './function-reference.js'
export type { InspectOptions } from './owner/inspect-options.js'
export { type MemoryFigures, memoryOf } from './memory.js'
export type { ForkMode, MadeBy } from './mode.js'
export { lookUpFolder, type ModuleSpecifier, resolveSpecifier } from './module-specifier.js'
export { checkNames } from './check-names.js'
export { checkRestrictions, type Resource, type Restrictions } from './restrictions.js'
export type { ExecOptions } from './owner/spawn.js'
export { closeAtThreadEnd } from './thread-end.js'
