export { Descriptor, type Handle } from '@anyfork/fdpass'
export {
  checkNames,
  checkRestrictions,
  type ExecOptions,
  type ExitStatus,
  ForkError,
  ForkProcess,
  functionReference,
  type MemoryFigures,
  type ModuleSpecifier,
  memoryOf,
  ProcessExitedError,
  type Restrictions,
} from '@anyfork/fork'
export { forgetAbort, onceAborted } from './caller/abort.js'
export { preload } from './backend.js'
export { Call } from './caller/call-promise.js'
export type { CallOptions } from './caller/call-options.js'
export { connect, type Received, type Remote, type RemoteFunction, type Returned, rpcOf, type Sent } from './connect.js'
export type { Counters } from './caller/counters.js'
export { areSendable, closeDescriptors, dropDescriptors } from './values/attachments.js'
export { RpcError, type RpcErrorCode } from './errors.js'
export { fd, type PassedDescriptor } from './values/passed-descriptor.js'
export { checkOptions as checkRpcOptions, type RpcOptions } from './options.js'
export type { HighWaterMark } from './caller/back-pressure.js'
export { isRemoteName, likeAnObject, type NotRemote } from './remote-names.js'
export { type Rpc, type RpcControl, run } from './rpc.js'
export type { Serialiser, SerialiserName } from './values/serialiser.js'
export { RemoteIterable } from './streams/remote-iterable.js'
export type { CallTrace } from './caller/tracing.js'
