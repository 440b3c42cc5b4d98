export {
  Descriptor,
  type ExecOptions,
  ForkError,
  ForkProcess,
  fd,
  type Handle,
  type MemoryFigures,
  type MemoryPolicy,
  type ModuleSpecifier,
  memoryOf,
  ProcessExitedError,
  type ProcessOptions,
  type RemoteOptions,
  type Restrictions,
  RpcError,
} from '@anyfork/fork-rpc'
export { type Balancer, type Candidate, leastLoaded } from './balancer.js'
export type { CallCounts, RunningCall, WorkerFigures, WorkerState } from './call/statistics.js'
export type { CallOptions } from './call-options.js'
export { connectPool, type PooledModule, poolOf } from './connect-pool.js'
export { PoolError, type PoolErrorCode } from './errors.js'
export { ncpu } from './ncpu.js'
export { type AnyFunction, type ForkPool, type PoolCall, type PoolControl, type PoolFunction, pool } from './pool.js'
export type {
  MemoryOptions,
  PoolOptions,
  QueueLimit,
  Recycling,
  WorkerEventListener,
  WorkerEventSource,
} from './pool-options.js'
export type { PendingCounts, PoolStats, TemplateFigures, WithMemory } from './pool-stats.js'
export type { TemplateSource } from './worker/templates.js'
