export {
  type ExitStatus,
  ForkError,
  type ForkErrorCode,
  NotForkableError,
  ProcessExitedError,
} from './errors.js'
export { afterFork, type BeforeHook, beforeFork, type Hook } from './fork-hooks.js'
export { ForkProcess } from './fork-process.js'
export { type MemoryFigures, memoryOf } from './memory.js'
export type { ForkMode, MadeBy } from './mode.js'
export type { ModuleSpecifier } from './module-specifier.js'
export type { InspectOptions } from './owner/inspect-options.js'
export type { ExecOptions } from './owner/spawn.js'
export type { CheckReport, Finding, OpenDescriptor, Severity } from './protocol/check-report.js'
export { type Resource, type Restrictions } from './restrictions.js'
