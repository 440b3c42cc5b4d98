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
export { forgetAbort, onceAborted } from './abort.js'
export { preload } from './backend.js'
export { Call } from './call.js'
export type { CallOptions } from './call-options.js'
export { connect, type Received, type Remote, type RemoteFunction, type Returned, rpcOf, type Sent } from './connect.js'
export type { Counters } from './counters.js'
export { areSendable, closeDescriptors, dropDescriptors } from './enclosures.js'
export { RpcError, type RpcErrorCode } from './errors.js'
export { fd, type PassedDescriptor } from './fd.js'
export { checkOptions as checkRpcOptions, type RpcOptions } from './options.js'
export type { HighWaterMark } from './pressure.js'
export { isRemoteName, likeAnObject, type NotRemote } from './remote-names.js'
export { type Rpc, type RpcControl, run } from './rpc.js'
export type { Serialiser, SerialiserName } from './serialiser.js'
export { RemoteIterable } from './streams/remote-iterable.js'
export type { CallTrace } from './tracing.js'
