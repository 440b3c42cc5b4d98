export { Descriptor, type Handle } from '@anyfork/fdpass'
export {
  type ExecOptions,
  type ExitDetails,
  type ExitStatus,
  ForkError,
  ForkProcess,
  type MemoryFigures,
  type MemoryPolicy,
  type ModuleSpecifier,
  memoryOf,
  ProcessExitedError,
  type ProcessOptions,
  type RemoteOptions,
  type Restrictions,
} from '@anyfork/fork'
export { preload } from './backend.js'
export type { CallOptions } from './caller/call-options.js'
export type { CallPromise } from './caller/call-promise.js'
export type { Counters } from './caller/channel.js'
export type { CallTrace } from './caller/tracing.js'
export {
  connect,
  type NotRemote,
  type Received,
  type Remote,
  type RemoteFunction,
  type Returned,
  rpcOf,
  type Sent,
} from './connect.js'
export { RpcError, type RpcErrorCode } from './errors.js'
export type { DoneReference, HighWaterMark, RpcOptions } from './options.js'
export { type Rpc, type RpcControl, run } from './rpc.js'
export { fd, type PassedDescriptor } from './values/passed-descriptor.js'
export type { Serialiser, SerialiserName } from './values/serialiser.js'
