export { type AcceptAllOptions, acceptAll } from './accept-all.js'
export { read, receiveBuffer, splice, tryWrite, write } from './bytes.js'
export {
  accept,
  connect,
  keepPath,
  type ListenOptions,
  listen,
  type PeerCredentials,
  peerCredentials,
  shutdown,
  takeListener,
} from './connection.js'
export { DeferredWriter } from './deferred-writer.js'
export {
  checkRoom,
  Descriptor,
  dup,
  dup2,
  isCloseOnExec,
  isNonblocking,
  setAsyncOwner,
  setCloseOnExec,
  setNonblocking,
} from './descriptor.js'
export { DescriptorReceiver } from './descriptor-receiver.js'
export type { Handle, HasDescriptor } from './handle.js'
export {
  hasEnded,
  MAX_DESCRIPTORS,
  type Message,
  type ReceiveOptions,
  receiveMessage,
  recv,
  type SendManyOptions,
  type SendOptions,
  send,
  sendMany,
  sendMessage,
} from './message.js'
export {
  notifySystemd,
  removeStoredDescriptors,
  type StoreOptions,
  type SystemdFields,
  storeDescriptors,
} from './notify-systemd.js'
export { assertUnixSocket, type SocketKind, type SocketType, socketKind } from './socket-kind.js'
export { pipe, type SocketpairOptions, socketpair } from './socketpair.js'
export { StreamReceiver, type StreamReceiverOptions } from './stream-receiver.js'
export type { SystemError } from './system-error.js'
export { type SystemdDescriptor, type SystemdDescriptorsOptions, systemdDescriptors } from './systemd-descriptors.js'
export { type Watch, type WatchEvents, type WatchOptions, watch } from './watch.js'
