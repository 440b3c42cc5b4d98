export { run, type Rpc, type RpcControl } from './rpc.js'
export { connect, rpcOf, type Received, type Remote, type RemoteFunction, type Returned, type Sent } from './connect.js'
export { checkOptions as checkRpcOptions, type RpcOptions } from './options.js'
export type { Counters } from './counters.js'
export type { HighWaterMark } from './pressure.js'
export type { CallTrace } from './tracing.js'
export type { CallOptions } from './call-options.js'
export { forgetAbort, onceAborted } from './abort.js'
export { Call } from './call.js'
export { areSendable, closeDescriptors, dropDescriptors } from './enclosures.js'
export { isRemoteName, likeAnObject, type NotRemote } from './remote-names.js'
export { fd, type PassedDescriptor } from './fd.js'
export { RemoteIterable } from './streams/remote-iterable.js'
export { preload } from './backend.js'
export { RpcError, type RpcErrorCode } from './errors.js'
export type { Serialiser, SerialiserName } from './serialiser.js'
export {
  checkNames,
  checkRestrictions,
  functionReference,
  ForkError,
  ForkProcess,
  memoryOf,
  ProcessExitedError,
  type ExecOptions,
  type ExitStatus,
  type MemoryFigures,
  type ModuleSpecifier,
  type Restrictions,
} from '@anyfork/fork'
export { Descriptor, type Handle } from '@anyfork/fdpass'
