import { fstatSync } from 'node:fs'
import { assertUnixSocket, Descriptor, setNonblocking, socketpair } from '@anyfork/fdpass'
import { checkArgument, type Expectation } from '@anyfork/fdpass/internal'
import type { CheckReport } from './check-report.js'
import type { ExitStatus } from './errors.js'
import { afterFork } from './fork-hooks.js'
import { checkInspectOptions, type InspectOptions } from './inspect-options.js'
import { type MemoryFigures, memoryOf } from './memory.js'
import type { MadeBy } from './mode.js'
import { functionReference, lookUpFolder, type ModuleSpecifier } from './module-specifier.js'
import { DefaultTemplate } from './owner/default-template.js'
import { checkExecOptions, type ExecOptions } from './owner/exec-options.js'
import { ProcessOrders } from './owner/orders.js'
import { ProcessHandle } from './owner/process-handle.js'
import { Command } from './protocol/frame.js'
import { decode, encode } from './protocol/payload.js'
import { closeAtThreadEnd } from './thread-end.js'

const aDescriptor: Expectation = { test: value => value instanceof Descriptor, text: 'a Descriptor' }

/** Lets processes end that nobody refers to any more, unless a function runs in them. */
const dropped = new FinalizationRegistry<ProcessHandle>(processHandle => {
  try {
    processHandle.order(Command.end)
  } catch {
    // it is no template, or out of reach: nobody is left to be told
  }
})

/** Makes the object that users have of a process. Only this package uses it: the constructor is private. */
export let forkProcessOf: (processHandle: ProcessHandle) => ForkProcess

/**
 * A process that waits for orders: load this, keep that, fork, and finally run a
 * function. Orders are queued and carried out one after the other; each method
 * returns at once, and what goes wrong rejects `ready` and `run`. Follows
 * AnyEvent::Fork.
 *
 * It ends when this program ends, however that ends, and it does not keep this
 * program from ending while nothing is awaited from it. One that runs no function also
 * ends some time after the last reference to it is gone, as if by `close`.
 */
export class ForkProcess extends ProcessOrders implements AsyncDisposable {
  static readonly #default = new DefaultTemplate<ForkProcess>({
    start: options => ForkProcess.exec(options),
    isForkable: template => template.#isForkable,
    release: template => template.#release(),
  })
  #isExitAwaited = false

  private constructor(processHandle: ProcessHandle) {
    if (!(processHandle instanceof ProcessHandle))
      throw new TypeError('use ForkProcess.create() or ForkProcess.exec() instead of new')
    super(processHandle)
    dropped.register(this, processHandle, this)
  }

  /**
   * Starts the default template, unless it runs already. After it was killed, the next call starts another. Every
   * process that `create` makes has what the template has loaded.
   */
  static startTemplate(): ForkProcess {
    return ForkProcess.#default.get()
  }

  /**
   * Says what the default template is prepared with: the present one, if there is one, and
   * all that are made later, because of other options or because it was killed.
   *
   * @param prepare - gives it orders, as `template => template.require('typescript')`
   * @throws TypeError for what is no function; what it throws, after which another template is made when one is needed
   */
  static onTemplate(prepare: (template: ForkProcess) => void): void {
    ForkProcess.#default.addPreparation(prepare)
  }

  /**
   * How the default template is started, by another interpreter for instance; not to be changed, but set. To set it
   * lets go of one that was started before: it ends once its processes have.
   *
   * @throws TypeError for what makes no sense
   */
  static get templateOptions(): Readonly<ExecOptions> {
    return ForkProcess.#default.options
  }

  static set templateOptions(options: ExecOptions) {
    ForkProcess.#default.options = options
  }

  /** Forks an empty process from the default template. */
  static create(): ForkProcess {
    return ForkProcess.startTemplate().fork()
  }

  /**
   * Starts a fresh interpreter, never forked. What it loads, its forks share.
   *
   * @throws TypeError for what makes no sense; the kernel's error when there is no room for its descriptors, or no such `cwd`; that the
   *   interpreter cannot be started is told by `ready` and `run`
   */
  static exec(options: ExecOptions = {}): ForkProcess {
    checkExecOptions(options)
    return new ForkProcess(ProcessHandle.exec(options))
  }

  /**
   * Takes on a process that `toFd` let go of, in this program or another. From now on it
   * ends with this program. How it ended is told, as `exited`, only to whoever started it:
   * here code and signal are `null`.
   *
   * @param socket - as `toFd` gave it, or as it came from another process; this object owns it from now on
   * @throws TypeError for what is no AF_UNIX stream socket; `EBADF` for what was handed over before; the kernel's error for a socket
   *   that nobody is at the other end of. It is still the caller's then
   */
  static fromFd(socket: Descriptor): ForkProcess {
    checkArgument('socket', socket, aDescriptor)
    if (!fstatSync(socket.fd).isSocket()) throw new TypeError('socket must be the Descriptor of a socket')
    assertUnixSocket(socket)
    return new ForkProcess(ProcessHandle.attach(socket))
  }

  /** Its process id, once known: at once after `exec`, else soon, and at the latest when `ready` or `run` have resolved. */
  get pid(): number | undefined {
    return this.processHandle.pid
  }

  /** How it was made: copied from its parent, or started afresh; once known, as `pid`. */
  get mode(): MadeBy | undefined {
    return this.processHandle.mode
  }

  /** Whether it can still carry out orders or is running its function, as far as is known. */
  get isAlive(): boolean {
    return !this.isClosing && !this.processHandle.isGone
  }

  /** Resolves when the process has ended, with its exit code or signal. Never rejects. Asked for, it keeps this program running. */
  get exited(): Promise<ExitStatus> {
    const { exited, isGone } = this.processHandle
    if (!isGone && !this.#isExitAwaited) void exited.then(this.processHandle.hold())
    this.#isExitAwaited = true
    return exited
  }

  /**
   * Forks it. The new process has all that was loaded, and the arguments and
   * descriptors sent so far; this one keeps its own.
   *
   * @throws TypeError after `run` or `close`; the kernel's error when there is no room for descriptors
   */
  fork(): ForkProcess {
    this.assertOpen('fork')
    return new ForkProcess(this.processHandle.fork())
  }

  /**
   * Copies it while its function runs: the function goes on, and the copy waits for orders,
   * with all that was loaded, compiled and kept meanwhile. What would make the function go
   * on in the copy, timers and sockets, is to be let go of there in a hook of `afterFork`;
   * else the copy fails with `ERR_ACTIVE_HANDLES`. Its socket, while it is a `Descriptor`,
   * is closed for it. A function that blocks is copied when it comes back to its event loop.
   *
   * @returns the copy, to fork from
   * @throws TypeError before `run` and after `close`
   */
  refork(): ForkProcess {
    if (!this.hasRun) throw new TypeError('refork() before run()')
    if (this.isClosing) throw new TypeError('refork() after close()')
    return new ForkProcess(this.processHandle.fork())
  }

  /**
   * Lets go of it, so that another process can take it on with `fromFd`: pass it there
   * before this program ends, since until then it ends with this one. `exited`, `pid` and
   * `memory` go on to work; only what was itself taken on with `fromFd` is as if gone from
   * then on, with `null`s, since nobody tells its end here.
   *
   * @returns resolves, when all orders so far have been carried out, with its control socket; the caller owns it
   * @throws TypeError after `run` or `close`, and while processes forked from it, or from its forks, live; rejects as `ready`
   */
  async toFd(): Promise<Descriptor> {
    this.assertOpen('toFd')
    this.processHandle.assertChildless('toFd')
    this.isHandedOver = true
    dropped.unregister(this)
    try {
      return await this.processHandle.detach()
    } catch (error) {
      this.isHandedOver = false
      dropped.register(this, this.processHandle, this)
      throw error
    }
  }

  /**
   * Reads what the kernel counts of its memory, at once or, while it is only being forked, as
   * soon as it is there, whatever orders it has still to carry out.
   *
   * @throws rejects with `ERR_PROCESS_EXITED` when it has ended
   */
  async memory(): Promise<MemoryFigures> {
    const pid = await this.processHandle.findPid()
    try {
      return await memoryOf(pid)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const isGone = code === 'ESRCH' || (code === 'ENOENT' && !this.processHandle.kill(0)) // else there is no such file on this system
      throw isGone ? this.processHandle.reason : error
    }
  }

  /**
   * Tells what stands in the way of forks of it, or deserves a look: foreign threads,
   * requests and handles, open descriptors, unwritten output, listeners, addons that are
   * known to be unsafe.
   *
   * @throws rejects with what went wrong in any order so far
   */
  async check(): Promise<CheckReport> {
    this.assertOpen('check')
    return decode(await this.processHandle.ask(Command.check))
  }

  /**
   * Lets the process open its inspector, also while its function runs, unless that never
   * returns to the event loop. A process whose inspector is open is not forked.
   *
   * @returns where a debugger attaches: `ws://127.0.0.1:54321/...`
   * @throws TypeError for what makes no sense; rejects with why it cannot listen there, as `EADDRINUSE`, or `ERR_PROCESS_EXITED`
   */
  async inspect(options: InspectOptions = {}): Promise<string> {
    const where = checkInspectOptions(options)
    if (this.isClosing) throw new TypeError('inspect() after close()')
    if (this.isHandedOver) throw new TypeError('inspect() after toFd()')
    return decode(await this.processHandle.ask(Command.inspect, encode(where)))
  }

  /** Resolves when all orders so far have been carried out, and forks of it start at once; rejects with what went wrong. */
  async ready(): Promise<void> {
    this.assertOpen('ready')
    await this.processHandle.ask(Command.ready)
  }

  /**
   * Runs a function, which gets a blocking `Descriptor` of a socket, then what was
   * sent with `sendArg` and `sendFd`. The last order. The process ends like any
   * program: when it has nothing left to wait for, or by `process.exit`.
   *
   * @param module - where the function is exported, as for `require`. Left out, the function is a global one that `eval` made
   * @param name - of the function
   * @returns this end of the socket, non-blocking; the caller owns it. It comes right before the function is called
   * @throws rejects with what went wrong in any order so far, or with `ERR_PROCESS_EXITED`
   */
  run(module: ModuleSpecifier, name: string): Promise<Descriptor>
  run(name: string): Promise<Descriptor>
  async run(moduleOrName: ModuleSpecifier, exported?: string): Promise<Descriptor> {
    this.assertOpen('run')
    const { module, name } =
      exported === undefined ? functionReference(undefined, moduleOrName) : functionReference(moduleOrName, exported)
    const folder = lookUpFolder(module)
    const [ours, theirs] = socketpair()
    let release = (): void => {}
    try {
      release = closeAtThreadEnd(ours) // until the caller has it
      setNonblocking(ours, true)
      const started = this.processHandle.ask(Command.run, encode({ module, name, folder }), [theirs])
      this.hasRun = true
      dropped.unregister(this)
      theirs.close()
      await started
      release()
      return ours
    } catch (error) {
      release()
      ours.close()
      theirs[Symbol.dispose]()
      throw error
    }
  }

  /**
   * Sends a signal, never to another process that may have got its pid; to a process that
   * is only being forked, as soon as it is there.
   *
   * @returns whether there was a process to send it to
   * @throws TypeError for an unknown signal; `EPERM`
   */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    return this.processHandle.kill(signal)
  }

  /**
   * Lets it end: after the orders so far, and after the processes forked from it
   * have ended, so that their ends can be told. One that runs its function ends by
   * itself.
   *
   * @returns resolves when it has ended
   */
  async close(): Promise<void> {
    if (this.isHandedOver) return
    this.#release()
    await this.exited
  }

  /** `close()` */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Whether it can be forked. */
  get #isForkable(): boolean {
    return this.isAlive && !this.hasRun && !this.isHandedOver
  }

  #release(): void {
    if (!this.isClosing && !this.hasRun) this.processHandle.order(Command.end)
    this.isClosing = true
  }

  static {
    forkProcessOf = processHandle => new ForkProcess(processHandle)
    afterFork(() => ForkProcess.#default.forget())
  }
}
