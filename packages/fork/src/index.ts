export type { CheckReport, Finding, OpenDescriptor, Severity, ThreadReport } from './check-report.js'
export type { CopiedThreads } from './copied-threads.js'
export {
  type ExitDetails,
  type ExitStatus,
  ForkError,
  type ForkErrorCode,
  NotForkableError,
  ProcessExitedError,
} from './errors.js'
export { afterFork, type BeforeHook, beforeFork, type Hook } from './fork-hooks.js'
export { ForkProcess } from './fork-process.js'
export type { InspectOptions } from './inspect-options.js'
export { type MemoryFigures, memoryOf } from './memory.js'
export type { MemoryPolicy } from './memory-policy.js'
export type { ForkMode, MadeBy, MadeFork } from './mode.js'
export type { ModuleSpecifier } from './module-specifier.js'
export type { ExecOptions, StandardStream } from './owner/exec-options.js'
export type { ProcessOptions } from './owner/process-options.js'
export type { RemoteOptions } from './owner/remote-options.js'
export type { Namespace, Resource, Restrictions } from './restrictions.js'
