import { fstatSync } from 'node:fs'
import { assertUnixSocket, Descriptor, setNonblocking, socketpair } from '@anyfork/fdpass'
import { anInteger, checkArgument, type Expectation } from '@anyfork/fdpass/internal'
import type { CheckReport } from './check-report.js'
import type { ExitStatus } from './errors.js'
import { afterFork } from './fork-hooks.js'
import { checkInspectOptions, type InspectOptions } from './inspect-options.js'
import { type MemoryFigures, memoryOf } from './memory.js'
import type { MadeBy, MadeFork } from './mode.js'
import { functionReference, type ModuleSpecifier } from './module-specifier.js'
import { DefaultTemplate } from './owner/default-template.js'
import { checkExecOptions, type ExecOptions } from './owner/exec-options.js'
import { killIfPermitted } from './owner/kill-if-permitted.js'
import { ProcessOrders } from './owner/orders.js'
import { ProcessHandle } from './owner/process-handle.js'
import { checkProcessOptions, type ProcessOptions } from './owner/process-options.js'
import { assertLocal, RemoteHandle } from './owner/remote-handle.js'
import { checkRemoteOptions, keepOptions, type RemoteOptions } from './owner/remote-options.js'
import { Spares } from './owner/spares.js'
import { StreamEnds } from './owner/stream-ends.js'
import { Command } from './protocol/frame.js'
import { encode } from './protocol/payload.js'
import type { ProvidedModule } from './protocol/remote-frames.js'
import { decodeAnswer } from './protocol/reports.js'
import { encodeRun } from './protocol/run-order.js'
import { openUntilThreadEnd, outliveThread } from './thread-end.js'

const aDescriptor: Expectation = { test: value => value instanceof Descriptor, text: 'a Descriptor' }

/** Ends processes whose `ForkProcess` was garbage-collected, unless they run a function. */
const dropped = new FinalizationRegistry<ProcessHandle | RemoteHandle>(processHandle => {
  try {
    processHandle.order(Command.end)
  } catch {
    // the process no longer takes orders, and no caller is left to get the error
  }
})

/** A function that is going to run. */
export interface BegunRun {
  /** This end of its socket, non-blocking; owned by the caller. */
  socket: Descriptor
  /** Resolves right before the function is called. Rejects as `run`; the caller then closes the socket. */
  started: Promise<unknown>
}

/** Makes the public object for a process. Only this package uses it: the constructor is private. */
export let forkProcessOf: (processHandle: ProcessHandle) => ForkProcess

/** Returns whether a process is on the other side of a connection. */
export let isRemote: (process: ForkProcess) => boolean

/** Lets a function give orders to every remote process that is started later, before all others. */
export let onRemote: (prepare: (process: ForkProcess) => void) => void

/** Makes a module available in a remote process and in its later forks, unless one of that name is. */
export let provideModule: (process: ForkProcess, module: ProvidedModule) => void

/** Returns why a process answers no more. */
export let reasonOf: (process: ForkProcess) => Error

/** Returns the limit that has probably ended a process, as the end of a sentence. */
export let likelyLimitOf: (process: ForkProcess) => string | undefined

/** Like `exited` of a process, but does not keep this program running. */
export let exitOf: (process: ForkProcess) => Promise<ExitStatus>
/** Like `run`, but returns the socket at once, which is closed when this thread ends. What is written to it waits there. */
export let beginRun: (process: ForkProcess, module: ModuleSpecifier, name: string) => BegunRun

/**
 * A process that takes orders: load modules, keep arguments, fork, and finally run a function. Follows AnyEvent::Fork.
 *
 * Orders are queued and carried out one after the other. Methods that return a process return at once. If an order
 * fails, the process exits, and its `ready` and `run` reject with the error.
 *
 * A process ends when this program ends, however that happens. It does not keep this program running while no answer
 * from it is awaited. A process that runs no function also ends, as if by `close`, after its `ForkProcess` was
 * garbage-collected.
 */
export class ForkProcess extends ProcessOrders implements AsyncDisposable {
  static readonly #default = new DefaultTemplate<ForkProcess>({
    start: options => ForkProcess.exec(options),
    isForkable: template => template.#isForkable,
    release: template => template.#release(),
  })
  static readonly #remotePreparations: ((process: ForkProcess) => void)[] = []
  #isExitAwaited = false
  declare protected spares: Spares<ForkProcess> | undefined

  private constructor(processHandle: ProcessHandle | RemoteHandle, ends?: StreamEnds) {
    if (!(processHandle instanceof ProcessHandle || processHandle instanceof RemoteHandle))
      throw new TypeError('use ForkProcess.create() or ForkProcess.exec() instead of new')
    super(processHandle, ends)
    dropped.register(this, processHandle, this)
  }

  /**
   * Starts the default template, from which `create` forks, or returns the one that is running. If the default template
   * was killed, the next call starts another one.
   *
   * @returns the default template; what it loads, all processes that `create` makes afterwards share
   * @throws as `exec`
   */
  static startTemplate(): ForkProcess {
    return ForkProcess.#default.get()
  }

  /**
   * Prepares every default template: the present one, if there is one, and each that is started later, because its
   * options were changed or because it was killed.
   *
   * @param prepare - gives the template its orders, as in `template => template.require('typescript')`; if it throws or
   *   rejects, that template is ended, and another one is started when one is needed
   * @throws TypeError if `prepare` is not a function
   * @throws what `prepare` throws for the present template
   */
  static onTemplate(prepare: (template: ForkProcess) => void): void {
    ForkProcess.#default.addPreparation(prepare)
  }

  /**
   * The options of `exec` with which the default template is started. They are frozen: to change one, set them all.
   * Setting them ends the present default template once all its forks have ended. The next call that needs one starts
   * another.
   *
   * @default {}
   * @throws TypeError if an option does not exist or is invalid
   */
  static get templateOptions(): Readonly<ExecOptions> {
    return ForkProcess.#default.options
  }

  /** Sets the options of the default template. */
  static set templateOptions(options: ExecOptions) {
    ForkProcess.#default.options = options
  }

  /**
   * Forks a process from the default template, which it starts if necessary.
   *
   * @param options - as for `fork`
   * @returns the new process; it takes orders at once
   * @throws as `exec` and `fork`
   */
  static create(options?: ProcessOptions): ForkProcess {
    if (options !== undefined) checkProcessOptions('create()', options)
    return ForkProcess.startTemplate().fork(options)
  }

  /**
   * Starts an interpreter. Its forks share what it has loaded before.
   *
   * @returns the new process; if the interpreter cannot be started, `ready` and `run` reject with the error of the
   *   kernel; if it does not take orders in time, with `ERR_START_TIMEOUT`
   * @throws TypeError if an option does not exist or is invalid, or ANYFORK_MODE or ANYFORK_THREADS is
   * @throws `ERR_NO_INTERPRETER` if `execPath` is left out, and the executable of this program is not Node
   * @throws `ERR_NOT_PERMITTED` if Node's permission model forbids processes
   * @throws `ERR_NO_PROC` on Linux without /proc
   * @throws `ENOENT` if there is no folder `cwd`
   * @throws `EMFILE` if there is no room for the descriptors of the control socket
   */
  static exec(options: ExecOptions = {}): ForkProcess {
    checkExecOptions(options)
    const ends = new StreamEnds(options.stdio)
    try {
      const stdio = [0, 1, 2].map(number => ends.theirs[number] ?? 'inherit')
      return new ForkProcess(ProcessHandle.exec({ ...options, stdio }), ends)
    } catch (error) {
      ends.close()
      throw error
    }
  }

  /**
   * Becomes the owner of a process from which another owner, in this program or another one, has detached with `toFd`.
   * From then on, the process ends when this program ends. Only the program that started the process learns how it
   * ended: here, `exited` resolves with `{ code: null, signal: null }`.
   *
   * @param socket - the control socket that `toFd` returned; owned by the process object from now on. If this throws,
   *   the caller keeps it
   * @throws TypeError if `socket` is not a Descriptor of an AF_UNIX stream socket, or is listening
   * @throws `EBADF` if `socket` is closed, as after an earlier call
   * @throws the kernel's error if the socket is not connected
   */
  static fromFd(socket: Descriptor): ForkProcess {
    checkArgument('socket', socket, aDescriptor)
    if (!fstatSync(socket.fd).isSocket()) throw new TypeError('socket must be the Descriptor of a socket')
    assertUnixSocket(socket)
    return new ForkProcess(ProcessHandle.attach(socket))
  }

  /**
   * Starts a process on the other side of a connection, by a command that starts Node there, such as `ssh host node`, and
   * gives it orders over standard input and output of the command. Nothing must be installed there but Node 20.19 or newer:
   * the process gets the code of this package over the connection. It ends when the connection ends, and so when this
   * program ends. Follows AnyEvent::Fork::Remote.
   *
   * Modules and folders are those of the other side: names of packages are looked up there, from the working folder. `eval`
   * sends code. `fork` opens another connection with the same command, over which the same orders are carried out.
   * Descriptors cannot be sent; see `ERR_REMOTE` in the README for all that is not possible.
   *
   * @returns the new process; it takes orders at once. If the command cannot be started, `ready` and `run` reject with the
   *   error of the kernel; if it ends before, with `ERR_PROCESS_EXITED`; if it does not start Node in time, with
   *   `ERR_START_TIMEOUT`
   * @throws TypeError if an option does not exist, is missing, or is invalid
   * @throws `ERR_NOT_PERMITTED` if Node's permission model forbids processes
   * @throws `ERR_NO_INTERPRETER` or `ERR_NO_PROC` as `exec`
   * @throws `ENOENT` if there is no folder `cwd`
   * @throws `EBADF` if the descriptor `stderr` is not open
   * @throws `EMFILE` if there is no room for the descriptors of the connection
   * @throws the error of spawn(2) where it is known at once, such as `E2BIG`
   */
  static remote(options: RemoteOptions): ForkProcess {
    checkRemoteOptions(options)
    const handle = new RemoteHandle(keepOptions(options))
    const self = new ForkProcess(handle, handle.ends)
    for (const prepare of ForkProcess.#remotePreparations) prepare(self)
    return self
  }

  /**
   * The process id. Known at once after `exec`; after `fork`, soon, and at the latest when `ready` or `run` has
   * resolved. Until then it is `undefined`. It is the pid in the pid namespace of this program; a process from `fromFd`
   * that has none there stays `undefined`, and cannot be signalled.
   */
  get pid(): number | undefined {
    return this.processHandle.pid
  }

  /**
   * How the process was made: `'fork'` or `'exec'`. `undefined` until that is known, as for `pid`. It becomes `'exec'`
   * when a forked process starts a worker thread before its function runs, in mode `'auto'`: then a fresh interpreter
   * takes its place.
   */
  get mode(): MadeBy | undefined {
    return this.processHandle.mode
  }

  /**
   * How the last fork of this process was made: by fork(2), or as a fresh interpreter, and what was in the way then.
   * `undefined` until a fork has reported that.
   */
  get lastFork(): MadeFork | undefined {
    return this.processHandle.lastFork
  }

  /**
   * Whether the process can take orders or is running its function, as far as this program knows. Of a remote process, whether
   * the connection and its command have not ended.
   */
  get isAlive(): boolean {
    return !this.isClosing && this.processHandle.isAlive
  }

  /**
   * Keeps this program running until the process has ended, and resolves with its exit code or signal. Never rejects.
   * If no process was left to report how it ended, both are `null`.
   */
  get exited(): Promise<ExitStatus> {
    const { exited, isGone } = this.processHandle
    if (!isGone && !this.#isExitAwaited) void exited.then(this.processHandle.hold())
    this.#isExitAwaited = true
    return exited
  }

  /** How many forks are ready that `keepSpares` has asked for. Those that are being made count as well. */
  get spareCount(): number {
    return this.spares?.length ?? 0
  }

  /**
   * Forks the process. The fork has everything that was loaded, and the arguments and descriptors sent so far, which
   * this process also keeps. If it cannot be made, its `ready` and `run` reject: see the codes in the README. If
   * `keepSpares` has made one in advance, that one is returned.
   *
   * @param options - its first order: see `configure`. By default, it has the surroundings of this process
   * @returns the fork; it takes orders at once
   * @throws TypeError if an option does not exist or is invalid, and after `run`, `close`, or `toFd`
   * @throws `EMFILE` if there is no room for the descriptors of its control socket and of pipes
   * @throws as `configure`, and for a remote process as `remote`
   */
  fork(options?: ProcessOptions): ForkProcess {
    if (options !== undefined) checkProcessOptions('fork()', options)
    this.assertOpen('fork')
    return ForkProcess.#configured(this.spares?.take() ?? this.#fork(), options)
  }

  /**
   * Keeps forks ready, which `fork` returns. Each is replaced in the next turn of the event loop. Every later order
   * replaces all of them, since they lack what it brings. They do not keep this program running, and end with this
   * process: at `run`, `close`, and `toFd`.
   *
   * @param count - how many forks to keep ready, from 0. It replaces the count of an earlier call
   * @throws TypeError if `count` is not an integer from 0, and after `run`, `close`, or `toFd`
   */
  keepSpares(count: number): this {
    checkArgument('count', count, anInteger(0))
    this.assertOpen('keepSpares')
    if (this.spares) this.spares.setCount(count)
    else {
      const end = (spare: ForkProcess): Promise<ExitStatus> => {
        if (!killIfPermitted(spare)) void spare.close()
        return spare.exited
      }
      this.spares = new Spares(count, { make: () => this.#fork(), isAlive: ({ isAlive }) => isAlive, end })
    }
    return this
  }

  /**
   * Forks the process while its function runs. The function goes on, and the fork waits for orders, with everything
   * that was loaded, compiled, and kept meanwhile. The fork closes the function's socket if it still is a `Descriptor`.
   * Hooks of `afterFork` must close everything else that would make the function go on in the fork, such as timers and
   * sockets. If the function blocks, the process forks when the function returns to the event loop.
   *
   * @param options - as for `fork`
   * @returns the fork, from which others can be forked; its `ready` rejects with `ERR_ACTIVE_HANDLES` if the function
   *   would go on in it
   * @throws TypeError if an option does not exist or is invalid, before `run`, and after `close`
   * @throws as `fork`
   */
  refork(options?: ProcessOptions): ForkProcess {
    if (options !== undefined) checkProcessOptions('refork()', options)
    const handle = this.#local('refork() is not possible')
    if (!this.hasRun) throw new TypeError('refork() before run()')
    if (this.isClosing) throw new TypeError('refork() after close()')
    return ForkProcess.#configured(new ForkProcess(handle.fork()), options)
  }

  /**
   * Detaches from the process, so that another owner can take it on with `fromFd`. Pass the socket there before this
   * program ends: until then, the process ends with this program. `exited`, `pid`, and `memory` go on working, unless
   * the process itself came from `fromFd`: its `exited` then resolves at once, with `null`s.
   *
   * @returns resolves with the control socket once all orders so far have been carried out; the caller owns it
   * @throws rejects with a TypeError after `run`, `close`, or `toFd`, and while a process lives that was forked from
   *   this one or from one of its forks
   * @throws rejects as `ready`
   */
  async toFd(): Promise<Descriptor> {
    this.assertOpen('toFd')
    const handle = this.#local('toFd() is not possible')
    this.isHandedOver = true
    dropped.unregister(this)
    try {
      await this.spares?.drop()
      handle.assertChildless('toFd')
      return await handle.detach()
    } catch (error) {
      this.isHandedOver = false
      this.spares?.renew()
      dropped.register(this, this.processHandle, this)
      throw error
    }
  }

  /**
   * Reads the kernel's figures about the memory of the process, as `memoryOf`. It waits until the process has been
   * forked, but not for its orders.
   *
   * @throws rejects with `ERR_PROCESS_EXITED` if the process has ended
   * @throws rejects with `ENOENT` where the system has no such file
   */
  async memory(): Promise<MemoryFigures> {
    const pid = await this.#local('memory() is not possible').findPid()
    try {
      return await memoryOf(pid)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isGone = code === 'ESRCH' || (code === 'ENOENT' && !this.processHandle.kill(0)) // else this system has no such file
      throw isGone ? this.processHandle.reason : error
    }
  }

  /**
   * Reports what prevents forks of the process, and what its forks would share: threads, requests, handles,
   * descriptors, unwritten output, listeners, and addons that are known to be unsafe.
   *
   * @throws rejects with a TypeError after `run`, `close`, or `toFd`
   * @throws rejects as `ready`
   */
  async check(): Promise<CheckReport> {
    this.assertOpen('check')
    this.#local('check() is not possible')
    return decodeAnswer(await this.processHandle.ask(Command.check))
  }

  /**
   * Opens the inspector of the process. If its function runs, that happens when the function returns to the event loop.
   * A process whose inspector is open cannot be forked.
   *
   * @returns resolves with the address for a debugger: `ws://127.0.0.1:54321/...`
   * @throws rejects with a TypeError if an option does not exist or is invalid, and after `close` or `toFd`
   * @throws rejects with the kernel's error if the inspector cannot listen there: `EADDRINUSE`
   * @throws rejects with `ERR_PROCESS_EXITED` if the process has ended
   */
  async inspect(options: InspectOptions = {}): Promise<string> {
    const where = checkInspectOptions(options)
    if (this.isClosing) throw new TypeError('inspect() after close()')
    if (this.isHandedOver) throw new TypeError('inspect() after toFd()')
    this.#local('inspect() is not possible')
    return decodeAnswer(await this.processHandle.ask(Command.inspect, encode(where)))
  }

  /**
   * Waits until all orders so far have been carried out. The process also collects garbage then, so that its next forks
   * start at once.
   *
   * @throws rejects with the error of the first order that failed
   * @throws rejects with `ERR_PROCESS_EXITED` if the process has ended
   * @throws rejects with a TypeError after `run`, `close`, or `toFd`
   */
  async ready(): Promise<void> {
    this.assertOpen('ready')
    await this.processHandle.ask(Command.ready)
  }

  /**
   * Runs a function, the last order. It is called with a `Descriptor` of a socket, which is blocking, and the values
   * and descriptors that `sendArg` and `sendFd` have sent, in order. In a remote process, it is called with a `Duplex` stream
   * instead, whose method `toSocket()` returns the stream itself. The process then ends like any program: when nothing keeps its
   * event loop alive, or by `process.exit`.
   *
   * @param module - the module that exports the function, as for `require`; left out for a global function, which
   *   `eval` defined
   * @param name - the name of the function
   * @returns resolves with this end of the socket, non-blocking, right before the function is called; the caller owns
   *   it
   * @throws rejects with a TypeError if an argument is invalid, and after `run`, `close`, or `toFd`
   * @throws rejects with `ERR_MODULE_NOT_FOUND`, `ERR_MODULE_FAILED`, or `ERR_EXPORT_NOT_FOUND` if there is no such
   *   function
   * @throws rejects with the error of the first order that failed, or with `ERR_PROCESS_EXITED`
   */
  run(module: ModuleSpecifier, name: string): Promise<Descriptor>
  run(name: string): Promise<Descriptor>
  async run(moduleOrName: ModuleSpecifier, exported?: string): Promise<Descriptor> {
    const { socket, started } = this.#beginRun(moduleOrName, exported)
    try {
      await started
    } catch (error) {
      socket.close()
      throw error
    }
    outliveThread(socket) // the caller owns it
    return socket
  }

  /**
   * Sends a signal. It never reaches another process that got the same pid. To a process that is still being forked,
   * the signal is sent as soon as it exists.
   *
   * @param signal - a name or a number; 0 only tests whether the process exists
   * @default 'SIGTERM'
   * @returns whether there was a process to send the signal to
   * @throws TypeError if `signal` is unknown
   * @throws `EPERM` if this program may not send it
   */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    return this.processHandle.kill(signal)
  }

  /**
   * Ends the process after the orders so far, and after the processes forked from it have ended, whose exits it
   * reports. If the process runs its function, this only waits: the function decides when it ends. After `toFd` it does
   * nothing.
   *
   * @returns resolves when the process has ended
   */
  async close(): Promise<void> {
    if (this.isHandedOver) return
    this.#release()
    await this.exited
  }

  /** Calls `close()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #beginRun(moduleOrName: ModuleSpecifier, exported?: string): BegunRun {
    this.assertOpen('run')
    const { module, name } =
      exported === undefined ? functionReference(undefined, moduleOrName) : functionReference(moduleOrName, exported)
    const folder = this.lookUpFolder(module)
    const [ours, theirs] = openUntilThreadEnd(() => socketpair())
    try {
      setNonblocking(ours, true)
      const started = this.processHandle.ask(Command.run, encodeRun({ module, name, folder }), [theirs])
      this.hasRun = true
      void this.spares?.end()
      dropped.unregister(this)
      theirs.close()
      return { socket: ours, started }
    } catch (error) {
      ours.close()
      theirs[Symbol.dispose]()
      throw error
    }
  }

  /** Whether the process can be forked. */
  get #isForkable(): boolean {
    return this.isAlive && !this.hasRun && !this.isHandedOver
  }

  #fork(): ForkProcess {
    const fork = this.processHandle.fork()
    return new ForkProcess(fork, fork instanceof RemoteHandle ? fork.ends : undefined)
  }

  /** @throws `ERR_REMOTE` with this text if the process is remote */
  #local(text: string): ProcessHandle {
    assertLocal(this.processHandle, text)
    return this.processHandle as ProcessHandle
  }

  #release(): void {
    void this.spares?.end()
    if (!this.isClosing && !this.hasRun) this.processHandle.order(Command.end)
    this.isClosing = true
  }

  static #configured(fork: ForkProcess, options: ProcessOptions | undefined): ForkProcess {
    if (options === undefined) return fork
    try {
      return fork.configure(options)
    } catch (error) {
      fork.#release()
      throw error
    }
  }

  static {
    forkProcessOf = processHandle => new ForkProcess(processHandle)
    onRemote = prepare => void ForkProcess.#remotePreparations.push(prepare)
    isRemote = process => process.isRemote
    provideModule = (process, module) => (process.processHandle as RemoteHandle).provide(module)
    reasonOf = process => process.processHandle.reason
    likelyLimitOf = process => process.processHandle.likelyLimit
    exitOf = process => process.processHandle.exited
    beginRun = (process, module, name) => process.#beginRun(module, name)
    afterFork(() => ForkProcess.#default.forget())
  }
}
