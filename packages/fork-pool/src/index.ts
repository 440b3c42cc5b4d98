export { pool, type AnyFunction, type ForkPool, type PoolCall, type PoolControl, type PoolFunction } from './pool.js'
export { connectPool, poolOf, type PooledModule } from './connect-pool.js'
export type { PoolOptions, Recycling } from './pool-options.js'
export type { CallOptions } from './call-options.js'
export type { TemplateSource } from './template.js'
export { leastLoaded, type Balancer, type Candidate } from './balancer.js'
export { ncpu } from './ncpu.js'
export { PoolError, type PoolErrorCode } from './errors.js'
export type { PoolStats } from './pool-stats.js'
export type { CallCounts } from './statistics.js'
export type { WorkerFigures, WorkerState } from './worker-figures.js'
export {
  Descriptor,
  fd,
  ForkError,
  ForkProcess,
  memoryOf,
  ProcessExitedError,
  RpcError,
  type ExecOptions,
  type Handle,
  type MemoryFigures,
  type ModuleSpecifier,
  type Restrictions,
} from '@anyfork/fork-rpc'
