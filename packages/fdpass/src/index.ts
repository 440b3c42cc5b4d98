export { Descriptor, dup, isCloseOnExec, isNonblocking, setCloseOnExec, setNonblocking } from './descriptor.js'
export { descriptorNumber, type Handle } from './handle.js'
export { pipe } from './pipe.js'
export {
  accept,
  connect,
  keepPath,
  listen,
  peerCredentials,
  shutdown,
  type ListenOptions,
  type PeerCredentials,
} from './connection.js'
export { socketpair, type SocketpairOptions } from './socketpair.js'
export { assertUnixSocket, socketKind, type SocketKind } from './socket-kind.js'
export type { SocketType } from './socket-type.js'
export {
  hasEnded,
  MAX_DESCRIPTORS,
  receiveMessage,
  recv,
  send,
  sendMany,
  sendMessage,
  type Message,
  type ReceiveOptions,
  type SendManyOptions,
  type SendOptions,
} from './message.js'
export { DescriptorReceiver } from './descriptor-receiver.js'
export { LateWriter } from './late-writer.js'
export { Receiver, type ReceiverOptions } from './receiver.js'
export { read, receiveBuffer, tryWrite, write } from './bytes.js'
export { watch, type Watch, type WatchOptions } from './watch.js'
export type { WatchEvents } from './watch-events.js'
export { systemError, type SystemError } from './system-error.js'
