export { pool, type ForkPool, type PoolOptions } from './pool.js'
export { PoolError } from './errors.js'
export type { WorkerFigures } from './worker.js'
export { ForkError, ForkProcess, memoryOf, ProcessExitedError, RpcError, type ExecOptions, type MemoryFigures, type ModuleSpecifier } from '@anyfork/fork-rpc'
