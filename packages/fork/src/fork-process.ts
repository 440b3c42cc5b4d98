import { getSystemErrorName } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { Descriptor, setNonblocking, socketpair, systemError, type Handle } from '@anyfork/fdpass'
import { binding } from './binding.js'
import { ControlChannel } from './control-channel.js'
import { ProcessExitedError, signalName, signalNumber, type ExitStatus } from './errors.js'
import { Command, Report, type Frame } from './frame.js'
import { afterFork } from './fork-hooks.js'
import { Lineage } from './lineage.js'
import { memoryOf, type MemoryFigures } from './memory.js'
import { resolveSpecifier, type ModuleSpecifier } from './module-specifier.js'
import { decode, decodeError, encode } from './payload.js'
import { checkRestrictions, type Restrictions } from './restrictions.js'
import { spawnTemplate, type ExecOptions } from './spawn.js'

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

const NOTHING_KNOWN: ExitStatus = { code: null, signal: null }
/** All processes that are not gone. */
const live = new Set<ForkProcess>()

/**
 * A process that waits for orders: load this, keep that, fork, and finally run a
 * function. Orders are queued and carried out one after the other; each method
 * returns at once, and what goes wrong rejects `ready` and `run`. Follows
 * AnyEvent::Fork.
 *
 * It ends when this program ends, however that ends, and it does not keep this
 * program from ending while nothing is awaited from it.
 */
export class ForkProcess implements AsyncDisposable {
  static #template: ForkProcess | undefined

  readonly #channel: ControlChannel
  readonly #forker: ForkProcess | undefined
  readonly #root: ForkProcess
  readonly #lineage: Lineage
  readonly #offspring = new Map<number, ForkProcess>()
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<ExitStatus>
  #resolveExited!: (status: ExitStatus) => void
  #child: { ref(): void; unref(): void } | undefined
  #pid: number | undefined
  #signalAtStart: number | undefined
  #status: ExitStatus | undefined
  #failure: Error | undefined
  #isChannelEnded = false
  #isClosing = false
  #hasRun = false
  #lastId = 0
  #holders = 0

  private constructor(socket: Descriptor, forker: ForkProcess | undefined) {
    this.#forker = forker
    this.#root = forker ? forker.#root : this
    this.#lineage = forker ? forker.#lineage : new Lineage()
    this.#exited = new Promise(resolve => (this.#resolveExited = resolve))
    this.#channel = new ControlChannel(socket, {
      onFrame: frame => this.#onReport(frame),
      onEnd: () => {
        this.#isChannelEnded = true
        this.#settle()
      },
    })
    live.add(this)
  }

  /**
   * Forks an empty process from the default template, which is started on first
   * use, and again after it was killed.
   */
  static create(): ForkProcess {
    if (!ForkProcess.#template?.isAlive) ForkProcess.#template = ForkProcess.exec()
    return ForkProcess.#template.fork()
  }

  /**
   * Starts a fresh interpreter, never forked. What it loads, its forks share.
   *
   * @throws the kernel's error when there is no room for its descriptors; that the
   *   interpreter cannot be started is told by `ready` and `run`
   */
  static exec(options: ExecOptions = {}): ForkProcess {
    const [ours, theirs] = socketpair()
    try {
      const child = spawnTemplate(theirs, options)
      const self = new ForkProcess(ours, undefined)
      self.#child = child
      self.#pid = child.pid
      child.once('error', error => {
        self.#failure = error
        self.#onStatus(NOTHING_KNOWN)
      })
      child.once('exit', (code, signal) => self.#onStatus({ code, signal }))
      return self
    } catch (error) {
      ours.close()
      throw error
    } finally {
      theirs.close()
    }
  }

  /** Its process id, once known: at once after `exec`, else soon, and at the latest when `ready` or `run` have resolved. */
  get pid(): number | undefined {
    return this.#pid
  }

  /** Whether it can still carry out orders or is running its function, as far as is known. */
  get isAlive(): boolean {
    return !this.#isClosing && !this.#isGone
  }

  /** Resolves when the process has ended, with its exit code or signal. Never rejects. Asked for, it keeps this program running. */
  get exited(): Promise<ExitStatus> {
    if (!this.#isGone) {
      const release = this.#hold()
      void this.#exited.then(release)
    }
    return this.#exited
  }

  /**
   * Forks it. The new process has all that was loaded, and the arguments and
   * descriptors sent so far; this one keeps its own.
   *
   * @throws TypeError after `run` or `close`; the kernel's error when there is no room for descriptors
   */
  fork(): ForkProcess {
    this.#assertOpen('fork')
    const [ours, theirs] = socketpair()
    const id = ++this.#lastId
    try {
      this.#channel.send(Command.fork, id, undefined, [theirs])
    } catch (error) {
      ours.close()
      throw error
    } finally {
      theirs.close()
    }
    const child = new ForkProcess(ours, this)
    this.#lineage.expect()
    this.#offspring.set(id, child)
    void child.#exited.then(() => this.#offspring.delete(id))
    return child
  }

  /**
   * Loads modules, ES modules and CommonJS alike.
   *
   * @param modules - file URLs, absolute paths or names; names are looked up from this program's working directory
   * @throws TypeError for a relative path, and after `run` or `close`
   */
  require(...modules: ModuleSpecifier[]): this {
    return this.#order('require', Command.require, { modules: modules.map(resolveSpecifier), folder: process.cwd() })
  }

  /**
   * Runs code in the global scope; the next order waits for it, and for the promise it returns.
   *
   * @param code - a script, or a function that needs nothing from around it
   * @param args - for the function, or for the function that the script evaluates to; see `sendArg`
   */
  eval<A extends unknown[]>(code: string | ((...args: A) => unknown), ...args: A): this {
    if (typeof code !== 'string' && typeof code !== 'function') throw new TypeError('code is a string or a function')
    const isFunction = typeof code === 'function'
    return this.#order('eval', Command.eval, { code: isFunction ? `(${String(code)})` : code, args, call: isFunction || args.length > 0, folder: process.cwd() })
  }

  /**
   * Gives the function arguments.
   *
   * @param values - whatever V8's structured clone takes: plain values, buffers, maps, dates, errors
   * @throws TypeError for a value that cannot be cloned; nothing is sent then
   */
  sendArg(...values: unknown[]): this {
    return this.#order('sendArg', Command.argument, values)
  }

  /**
   * Gives the function descriptors, each an argument of its own, as a `Descriptor`.
   *
   * @param handles - the caller still owns them and may close them at once
   * @throws TypeError for what has no descriptor
   */
  sendFd(...handles: Handle[]): this {
    this.#assertOpen('sendFd')
    for (const handle of handles) this.#channel.send(Command.descriptor, 0, undefined, [handle])
    return this
  }

  /**
   * Restricts what the process may use and do, and with it all that it forks from then
   * on. In a process that goes on to be a template, mind that not all can be undone.
   *
   * @throws TypeError for what makes no sense; `EPERM` and the like reject `ready` and `run`
   */
  restrict(restrictions: Restrictions): this {
    checkRestrictions(restrictions)
    return this.#order('restrict', Command.restrict, restrictions)
  }

  /**
   * Lets the process live on after this program has ended, from when its function runs;
   * until then, and without this, it ends with this program. So do its forks.
   */
  outlive(): this {
    return this.#order('outlive', Command.outlive, undefined)
  }

  /**
   * Calls a function some times, so that forks start with it compiled; the next order
   * waits for the promises that it returns.
   *
   * @param module - where it is exported, as for `require`
   * @param args - as for `sendArg`
   * @param times - how often; the more, the better V8 knows it
   */
  warm(module: ModuleSpecifier, name: string, args: readonly unknown[] = [], times = 1): this {
    if (typeof name !== 'string' || name === '') throw new TypeError('a function is named by a string')
    if (!Number.isInteger(times) || times < 1) throw new TypeError(`times is a positive integer, not ${String(times)}`)
    return this.#order('warm', Command.warm, { module: resolveSpecifier(module), name, folder: process.cwd(), args, times })
  }

  /**
   * Reads what the kernel counts of its memory.
   *
   * @throws rejects with `ERR_PROCESS_EXITED` when it has ended
   */
  async memory(): Promise<MemoryFigures> {
    if (!this.#isGone && this.#pid === undefined && !this.#hasRun) await this.ready()
    if (this.#status || this.#pid === undefined) throw this.#reason()
    return memoryOf(this.#pid)
  }

  /** Resolves when all orders so far have been carried out, and forks of it start at once; rejects with what went wrong. */
  async ready(): Promise<void> {
    this.#assertOpen('ready')
    await this.#ask(Command.ready)
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
    this.#assertOpen('run')
    const name = exported ?? moduleOrName
    if (typeof name !== 'string' || name === '') throw new TypeError('a function is named by a string')
    const module = exported === undefined ? undefined : resolveSpecifier(moduleOrName)
    const [ours, theirs] = socketpair()
    try {
      setNonblocking(ours, true)
      const started = this.#ask(Command.run, encode({ module, name, folder: process.cwd() }), [theirs])
      this.#hasRun = true
      theirs.close()
      await started
      return ours
    } catch (error) {
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
    const number = signalNumber(signal)
    if (this.#status || this.#isChannelEnded) return false
    if (this.#pid === undefined) {
      this.#signalAtStart = number
      return true
    }
    const result = binding.signal(this.#pid, number, this.#channel.fd)
    if (result < 0 && getSystemErrorName(result) !== 'ESRCH') throw systemError(result, 'pidfd_send_signal')
    return result === 0
  }

  /**
   * Lets it end: after the orders so far, and after the processes forked from it
   * have ended, so that their ends can be told. One that runs its function ends by
   * itself.
   *
   * @returns resolves when it has ended
   */
  async close(): Promise<void> {
    if (!this.#isClosing && !this.#hasRun) this.#channel.send(Command.end, 0)
    this.#isClosing = true
    await this.exited
  }

  /** `close()` */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #isGone(): boolean {
    return this.#status !== undefined && this.#isChannelEnded
  }

  #assertOpen(order: string): void {
    if (this.#hasRun) throw new TypeError(`${order}() after run()`)
    if (this.#isClosing) throw new TypeError(`${order}() after close()`)
  }

  #order(order: string, type: number, payload: unknown): this {
    this.#assertOpen(order)
    this.#channel.send(type, 0, encode(payload))
    return this
  }

  #ask(type: number, payload?: Buffer, handles?: readonly Handle[]): Promise<void> {
    if (this.#isGone) return Promise.reject(this.#reason())
    const id = ++this.#lastId
    this.#channel.send(type, id, payload, handles)
    const release = this.#hold()
    return new Promise<void>((resolve, reject) => this.#waiting.set(id, { resolve, reject })).finally(release)
  }

  /** Keeps this program running until released. */
  #hold(): () => void {
    const held: ForkProcess[] = []
    for (let process: ForkProcess | undefined = this; process; process = process.#forker) held.push(process)
    for (const process of held) process.#keep(true)
    let isHeld = true
    return () => {
      if (isHeld) for (const process of held) process.#keep(false)
      isHeld = false
    }
  }

  #keep(on: boolean): void {
    if (on) {
      this.#channel.ref()
      if (this.#holders++ === 0) this.#child?.ref()
    } else {
      this.#channel.unref()
      if (--this.#holders === 0) this.#child?.unref()
    }
  }

  #onReport({ type, id, payload }: Frame<Descriptor>): void {
    const child = this.#offspring.get(id)
    switch (type) {
      case Report.started:
        this.#onPid(decode<number>(payload))
        break
      case Report.done:
        this.#waiting.get(id)?.resolve()
        this.#waiting.delete(id)
        break
      case Report.failed:
        this.#failure = decodeError(payload)
        break
      case Report.forked:
        if (child) child.#onPid(decode<number>(payload))
        break
      case Report.forkFailed:
        if (child) child.#onForkFailed(decodeError(payload))
        break
      case Report.exited: {
        const { pid, code, signal } = decode<{ pid: number; code: number; signal: number }>(payload)
        this.#lineage.ended(pid, code < 0 && signal === 0 ? NOTHING_KNOWN : { code: code < 0 ? null : code, signal: signalName(signal) })
      }
    }
  }

  #onPid(pid: number): void {
    if (this.#pid !== undefined || this.#status) return
    this.#pid = pid
    this.#lineage.claim(pid, status => this.#onStatus(status))
    if (this.#signalAtStart !== undefined) this.kill(this.#signalAtStart)
  }

  #onStatus(status: ExitStatus): void {
    this.#status ??= status
    this.#settle()
  }

  #onForkFailed(error: Error): void {
    this.#failure = error
    this.#lineage.giveUp()
    this.#onStatus(NOTHING_KNOWN)
  }

  /** Once nothing more can come: settles all that was promised. */
  #settle(): void {
    if (this.#isChannelEnded && !this.#status && this.#isForgotten) {
      if (this.#pid === undefined) {
        this.#lineage.giveUp()
        this.#failure ??= this.#forker!.#reason()
      }
      this.#status = NOTHING_KNOWN
    }
    if (!this.#isGone || !live.delete(this)) return
    const reason = this.#reason()
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
    for (const child of this.#offspring.values()) {
      if (child.#pid === undefined || this.#root.#isGone) child.#settle()
      else this.#root.#channel.send(Command.adopt, 0, encode(child.#pid))
    }
    // Nobody answers for orphans any more.
    if (this === this.#root) for (const process of live) if (process.#root === this) process.#settle()
    this.#resolveExited(this.#status!)
  }

  /** Nobody is left who could tell how it ended. */
  get #isForgotten(): boolean {
    return this.#forker !== undefined && this.#forker.#isGone && (this.#pid === undefined || this.#root.#isGone)
  }

  #reason(): Error {
    return this.#failure ?? new ProcessExitedError(this.#status ?? NOTHING_KNOWN)
  }

  /** In a forked process, or at the end of a thread: lets go of what belongs to the parent, or to nobody. */
  static #abandonAll(): void {
    for (const process of live) process.#channel.close()
    live.clear()
    ForkProcess.#template = undefined
  }

  static {
    afterFork(() => ForkProcess.#abandonAll())
    if (!isMainThread) process.once('exit', () => ForkProcess.#abandonAll())
  }
}
