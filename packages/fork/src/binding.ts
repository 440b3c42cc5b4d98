import { loadAddon } from '@anyfork/fdpass/internal/load-addon'
import { PACKAGE_FOLDER } from './entry-files.js'

/** A fork server of the addon. */
export interface NativeForkServer {
  readonly kind: unique symbol
}

/** The addon. Numbers returned are results, or a negative errno. */
export interface Binding {
  fork(): number
  /** Lets children start with the page tables of the code that is in use. */
  refreshCodePages(): number
  /** The descriptor of a new file in memory. */
  memoryFile(): number
  /** Replaces this process by a program. Returns only a negative errno. */
  execute(path: [string], args: readonly string[], environment: readonly string[]): number
  getpid(): number
  /** The pid that /proc shows for this process; -ENOENT without a /proc, or one in which this process has a pid. */
  ownPidInProc(): number
  exit(code: number): never
  armLifeline(fd: number): number
  /** After this process has become another user, who may be told by fewer. */
  claimLifeline(own: number, pid: number): number
  /** Puts a lifeline for a process that is yet to be started in the place of the descriptor `slot`. */
  openLifeline(fd: number, slot: number): number
  disarmLifeline(own: number): number
  /** Lets other users open the lifeline. */
  shareLifeline(fd: number): number
  /** What to send if this process aborts because it can start no thread. */
  reportThreadLimit(socket: number, report: Uint8Array): number
  ignoreInterrupt(on: number): number
  becomeSubreaper(): number
  /** 1 and `[pid, code, signal]` of a child that has ended (of any of this thread's where pid is 0), else 0 or a negative errno. */
  peekEnded(pid: number, out: Int32Array): number
  reap(pid: number): number
  onLoopEnd(callback: () => void): number
  isLoopAlive(): boolean
  activeRequests(): number
  /** At most 64 numbers. */
  fillRandom(numbers: Uint32Array): number
  /** Collects garbage, and returns free pages of V8 to the system. -ENOSYS if this Node cannot do that. */
  reduceHeap(): number
  /** Returns free memory of malloc(3) to the system. 1 if there was any, else 0. */
  trimMalloc(): number
  /** `user` is the real user of the process when it sent a report; 0 if it may have changed since. */
  signal(pid: number, signal: number, socket: number, user: number): number
  /** -ESRCH unless the process is a child of the parent. */
  signalChild(parent: number, pid: number, signal: number): number
  /** Puts a pidfd in the place of the descriptor `slot`. */
  openProcess(pid: number, slot: number): number
  signalProcess(pidfd: number, signal: number): number
  /** 1 or 0. */
  hasProcessEnded(pidfd: number): number
  /** 0 if the process has ended and been reaped. The level counts pid namespaces, from that of /proc. */
  processPid(pidfd: number, level: number): number
  /** Negative: no limit. */
  setLimit(name: string, soft: number, hard: number): number
  /** For the calling thread, or for all if `areAllThreads` is 1. */
  noNewPrivileges(areAllThreads: number): number
  changeRoot(folder: [string]): number
  /** Only for processes with one thread, like the next two. */
  unshare(names: readonly string[]): number
  /** Implies `noNewPrivileges`, like the next one. */
  dropCapabilities(): number
  confineSignals(): number
  /** Milliseconds that a process has used so far, or a negative errno. */
  processorTime(pid: number): number
  /** `state` and the arguments of `onEvent` are described in `native/fork-server.h`. */
  serve(
    socket: number,
    state: Int32Array,
    onEvent: (event: number, a: number, b: number, c: number) => void,
  ): NativeForkServer | number
  serverWatch(server: NativeForkServer, events: number): number
  serverRef(server: NativeForkServer, on: number): number
  serverListen(server: NativeForkServer): number
  /** In the child, `out` gets 0 or a negative errno. */
  serverFork(server: NativeForkServer, control: number, out: Int32Array): number
  serverAddChild(server: NativeForkServer, pid: number): number
  serverChildren(server: NativeForkServer): number[]
  serverReap(server: NativeForkServer): number
  /** The server cannot be used any more. */
  serverClose(server: NativeForkServer): number
  /** Why no process can be forked with all its threads on this system, as a clause. */
  obstacleToThreads(): string | undefined
  /** 0, or a negative errno if this process cannot be forked with all its threads now. */
  rehearseFork(): number
  /**
   * Forks this process with all its threads. A child that cannot have them all sends the report over `control` and
   * exits. Parent and child share the pipe with the read end `lifeline`.
   */
  forkWithThreads(control: number, lifeline: number, report: Uint8Array): number
  /** Why the last one of these, or `serverFork`, has refused, as a clause. */
  forkRefusal(): string
  /** The ids of all threads but this one. */
  knowThreads(ids: Int32Array): number
  /** Closes what `knowThreads` keeps open. */
  forgetThreads(): number
  /** The descriptors that `knowThreads` keeps open. */
  threadDescriptors(): number[]
  /** What the thread starts from now on ends with it, although its pid is not known here. */
  beginSpawn(): number
  /** Whom the end of this thread kills and reaps; 0 if nothing was started. */
  endSpawn(pid: number): number
  /** Such a child was reaped. */
  forgetChild(pid: number): number
  /** Such a child lives on, and is reaped some time after its end. */
  spareChild(pid: number): number
}

export const binding: Binding = loadAddon('@anyfork/fork', PACKAGE_FOLDER) as Binding
