import { PACKAGE_FOLDER } from './entry-files.js'
import { loadAddon } from './load-addon.js'

/** An fdpass_watch of native/fdpass.h. */
export type NativeWatch = { readonly nativeWatch: unique symbol }

/** What native/binding/deferred-writes.c keeps of an fdpass_deferred_writer of native/fdpass.h. */
export type NativeDeferredWriter = { readonly nativeDeferredWriter: unique symbol }

/** The addon. Numbers returned are results, or a negative errno. */
export interface Binding {
  readonly SOCK_STREAM: number
  readonly SOCK_DGRAM: number
  readonly SOCK_SEQPACKET: number
  readonly UV_READABLE: number
  readonly UV_WRITABLE: number
  readonly UV_DISCONNECT: number
  readonly SHUT_RD: number
  readonly SHUT_WR: number
  readonly SHUT_RDWR: number
  readonly END_OF_STREAM: number
  readonly EAGAIN: number
  readonly DONT_WAIT: number
  readonly PEEK: number
  readonly BYTES_ONLY: number
  readonly YIELD: number
  readonly DEFERRED_END: number
  readonly DEFERRED_TICKS: number
  readonly DEFERRED_CONTROLS: number
  /** How many descriptors a message can have that is sent. */
  readonly maxDescriptors: number
  /** 1 if this is the code for Linux, 0 if it is the one for all other systems: see native/platform.h. */
  readonly isLinux: number
  socketpair(type: number, out: Int32Array): number
  pipe(out: Int32Array): number
  duplicate(fd: number): number
  checkRoom(slots: number): number
  duplicateTo(fd: number, number: number): number
  close(fd: number): number
  /** While this is on, new descriptors are closed when the thread ends. */
  keepOpened(on: boolean): void
  keep(fd: number, on: boolean): number
  getNonblocking(fd: number): number
  setNonblocking(fd: number, on: boolean): number
  getCloseOnExec(fd: number): number
  setCloseOnExec(fd: number, on: boolean): number
  /** `pid` 0 ends the signals. */
  setAsyncOwner(fd: number, pid: number): number
  read(fd: number, buffer: Uint8Array, offset: number, length: number): number
  write(fd: number, buffer: Uint8Array, offset: number, length: number): number
  splice(from: number, to: number, length: number): number
  adviseHugePages(buffer: Uint8Array, offset: number, length: number): number
  send(
    socket: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    fds: Int32Array,
    count: number,
    flags: number,
  ): number
  /** `spin` in microseconds: 0 sleeps or returns `EAGAIN` at once. */
  receive(
    socket: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    out: Int32Array,
    flags: number,
    spin: number,
  ): number
  makeDeferredWriter(socket: number, control: Int32Array, writer: object): NativeDeferredWriter | number
  deferWrite(writer: NativeDeferredWriter, buffer: Uint8Array, from: number): number
  flushDeferred(writer: NativeDeferredWriter): number
  stopDeferring(writer: NativeDeferredWriter): void
  sharedMemory(length: number): number
  mapMemory(fd: number, length: number): ArrayBuffer | number
  sendOne(socket: number, fd: number): number
  /** The descriptor, `END_OF_STREAM`, or a negative errno. */
  receiveOne(socket: number): number
  /** How many were sent. */
  sendMany(socket: number, fds: Int32Array, count: number, batch: number, flags: number): number
  /** How many descriptors are in `out` now, from 2; 0 at the end of the stream. */
  receiveMany(socket: number, out: Int32Array, wanted: number, flags: number): number
  pending(socket: number): number
  setReceiveTimeout(socket: number, milliseconds: number): number
  listen(path: Uint8Array, backlog: number): number
  accept(listener: number): number
  connect(path: Uint8Array, type: number): number
  shutdown(socket: number, how: number): number
  socketKind(socket: number, out: Int32Array): number
  peerCredentials(socket: number, out: Int32Array): number
  passCredentials(socket: number, on: boolean): number
  /** 1 and `[pid, uid]` of the process that has sent the next byte, 0 at the end of the stream. */
  peekSender(socket: number, out: Int32Array): number
  keepPath(fd: number): number
  watch(fd: number, events: number, callback: (eventsOrError: number) => void): NativeWatch | number
  watchChange(watch: NativeWatch, events: number): number
  watchRef(watch: NativeWatch, on: boolean): void
  watchClose(watch: NativeWatch): void
}

export const binding: Binding = loadAddon('@anyfork/fdpass', PACKAGE_FOLDER) as Binding
