import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { Descriptor, type Handle, setNonblocking, socketpair } from '@anyfork/fdpass'
import { type Sender, systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { decodeError } from '../error-codec.js'
import { type ExitStatus, ForkError, ProcessExitedError, signalNumber } from '../errors.js'
import { afterFork } from '../fork-hooks.js'
import type { MadeBy, MadeFork } from '../mode.js'
import { Pidfd } from '../pidfd.js'
import { type ChannelListener, ControlChannel } from '../protocol/control-channel.js'
import { acceptedReports, Command, type Frame, Report } from '../protocol/frame.js'
import { encode } from '../protocol/payload.js'
import { decodeEnded, decodeMade, type Made } from '../protocol/reports.js'
import { openUntilThreadEnd, spareAtThreadEnd } from '../thread-end.js'
import { type ExecOptions, START_TIMEOUT_MS } from './exec-options.js'
import { warnOfFallback } from './fallback-warning.js'
import { pidfdOf } from './identify.js'
import { LastReports } from './last-reports.js'
import { lifeline } from './lifeline-pipe.js'
import { type Limits, likelyLimit } from './likely-limit.js'
import { isChild, OwnChild } from './own-child.js'
import { PendingAnswers } from './pending-answers.js'
import { ProcessFamily, type Relative } from './process-family.js'
import { spawnTemplate } from './spawn.js'
import { StartLimit } from './start-limit.js'

/** A child of this program. */
interface ChildOfThisProgram {
  pid?: number | undefined
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown
  ref(): void
  unref(): void
}

const SIGKILL = signalNumber('SIGKILL')

/** What a filter of system calls may return. */
const REFUSED: ReadonlySet<number> = new Set([-constants.errno.ENOSYS, -constants.errno.EPERM])

const UNKNOWN_STATUS: ExitStatus = { code: null, signal: null }

/** The families that have a process which is not gone. */
const families = new Set<ProcessFamily<ProcessHandle>>()

/** The processes that were killed before they existed, and may still be forked. */
const late = new Set<ProcessHandle>()

/** A process, as its owner knows it: its control channel, its pid, the answers it owes, and how it ended. */
export class ProcessHandle implements Relative<ProcessHandle> {
  reporter: ProcessHandle | undefined
  /** The limits that it was ordered to have. */
  readonly limits: Limits = {}
  /** How it has made its last fork. */
  lastFork: MadeFork | undefined
  /** The limit that has probably ended it. */
  likelyLimit: string | undefined
  readonly #family: ProcessFamily<ProcessHandle>
  readonly #forks = new Map<number, ProcessHandle>()
  readonly #channel: ControlChannel
  readonly #answers = new PendingAnswers()
  readonly #signalsAtStart: number[] = []
  /** Resolves when the pid is known, or never will be. */
  readonly #made: Promise<void>
  #resolveMade!: () => void
  #exited: Promise<ExitStatus>
  #resolveExited!: (status: ExitStatus) => void
  /** The process itself, where it is a child of this program. */
  #child: ChildOfThisProgram | undefined
  /** What the process itself or the one that forked it has reported: perhaps a lie. */
  #reportedPid: number | undefined
  /** The process, as the kernel knows it: this program has started it, or it has sent a report. */
  #identity: Sender | undefined
  #pidfd: Pidfd | undefined
  /** Whether the kernel has reported the end of the process. */
  #hasEnded = false
  #isKilled = false
  readonly #lastReports = new LastReports(() => this.#endReports())
  #startLimit: StartLimit | undefined
  #mode: MadeBy | undefined
  /** Why it is a fresh interpreter. */
  #obstacle: string | undefined
  #status: ExitStatus | undefined
  #failure: Error | undefined
  #isChannelEnded = false
  #outlives = false
  /** Another owner started the process: no report of its exit comes here. */
  #isAttached = false
  #lastId = 0
  #holders = 0

  private constructor(socket: Descriptor, forker: ProcessHandle | undefined, { identifies = false } = {}) {
    this.reporter = forker
    this.#family = forker ? forker.#family : new ProcessFamily<ProcessHandle>(this)
    this.#exited = new Promise(resolve => (this.#resolveExited = resolve))
    this.#made = new Promise(resolve => (this.#resolveMade = resolve))
    const listener: ChannelListener = {
      onFrame: frame => this.#onReport(frame),
      onSendFailed: error => (this.#failure ??= error),
      onProtocolError: cause => this.#onProtocolError(cause),
      onEnd: () => this.#onChannelEnded(),
    }
    this.#channel = new ControlChannel(socket, listener, { accepted: acceptedReports, identifies })
    this.#family.add(this)
    families.add(this.#family)
  }

  /** Starts an interpreter, the root of a new family. */
  static exec(options: ExecOptions): ProcessHandle {
    const [ours, theirs] = openUntilThreadEnd(() => socketpair())
    try {
      const child = spawnTemplate(theirs, options)
      const self = ProcessHandle.ofChild(ours, child, 'exec')
      const { startTimeout = START_TIMEOUT_MS } = options
      self.#startLimit = new StartLimit(startTimeout, () => self.#onStartOverdue(startTimeout))
      child.once('error', error => {
        self.#failure = error
        self.onExit(UNKNOWN_STATUS)
      })
      return self
    } catch (error) {
      ours.close()
      throw error
    } finally {
      theirs.close()
    }
  }

  /**
   * Makes a child of this program the root of a new family.
   *
   * @param socket - the control socket; the handle owns it from now on
   */
  static ofChild(socket: Descriptor, child: ChildOfThisProgram, mode: MadeBy): ProcessHandle {
    const self = new ProcessHandle(socket, undefined)
    self.#child = child
    self.#reportedPid = child.pid
    if (child.pid !== undefined) self.#identity = { pid: child.pid, uid: 0 }
    self.#mode = mode
    if (child.pid !== undefined) self.#keepPidfd(Pidfd.open(child.pid, socket))
    child.once('exit', (code, signal) => self.onExit({ code, signal }))
    return self
  }

  /**
   * Becomes the owner of a process that another owner has detached.
   *
   * @param socket - the control socket; the handle owns it from now on, unless this throws
   */
  static attach(socket: Descriptor): ProcessHandle {
    const ours = lifeline()
    setNonblocking(socket, true)
    const own = new Descriptor(socket.fd)
    let self
    try {
      self = new ProcessHandle(own, undefined, { identifies: true })
    } catch (error) {
      own.release() // the caller keeps it
      throw error
    }
    try {
      self.order(Command.lifeline, undefined, [ours])
      self.order(Command.identify)
    } catch (error) {
      self.#leaveFamily()
      self.#channel.detach().release()
      throw error
    }
    socket.release()
    self.#isAttached = true
    self.#family.exits.expect()
    return self
  }

  /** Returns the numbers of the descriptors with which this program owns processes. */
  static openDescriptors(): Set<number> {
    const processes = [...late, ...[...families].flatMap(family => [...family.processes])]
    const descriptors = processes.flatMap(one => [one.#channel.isOpen ? one.#channel.fd : undefined, one.#pidfd?.fd])
    return new Set(descriptors.filter(fd => fd !== undefined))
  }

  get pid(): number | undefined {
    return this.#identity?.pid
  }

  get reportedPid(): number | undefined {
    return this.#reportedPid
  }

  /** How the process was made; `undefined` until that is known. */
  get mode(): MadeBy | undefined {
    return this.#identity ? this.#mode : undefined
  }

  get forks(): Iterable<ProcessHandle> {
    return this.#forks.values()
  }

  /** Resolves when the process is gone. */
  get exited(): Promise<ExitStatus> {
    return this.#exited
  }

  get isGone(): boolean {
    return this.#status !== undefined && this.#isChannelEnded
  }

  /** Whether it may still carry out orders. */
  get isAlive(): boolean {
    return !this.isGone
  }

  get isRunning(): boolean {
    return this.#pidfd !== undefined && !this.#pidfd.hasEnded
  }

  /** Why the process answers no more. */
  get reason(): Error {
    return (
      this.#failure ?? new ProcessExitedError(this.#status ?? UNKNOWN_STATUS, undefined, { reason: this.likelyLimit })
    )
  }

  /** Waits until the pid is known. Rejects if the process could not be made or is gone. */
  async findPid(): Promise<number> {
    if (!this.#identity && !this.isGone) await this.#made.finally(this.hold())
    if (this.isGone) throw this.reason
    if (!this.#identity) throw systemError(-constants.errno.ENOENT, 'open') // in another pid namespace
    return this.#identity.pid
  }

  /** Orders the process to fork. */
  fork(): ProcessHandle {
    const [ours, theirs] = openUntilThreadEnd(() => socketpair())
    const id = ++this.#lastId
    let fork: ProcessHandle | undefined
    try {
      fork = new ProcessHandle(ours, this, { identifies: true }) // before another process has the other end
      Object.assign(fork.limits, this.limits)
      this.#channel.send(Command.fork, id, undefined, [theirs])
    } catch (error) {
      if (fork) fork.#abandonUnmade()
      else ours.close()
      throw error
    } finally {
      theirs.close()
    }
    this.#family.exits.expect()
    this.#forks.set(id, fork)
    void fork.exited.then(() => this.#forks.delete(id))
    return fork
  }

  /** Sends an order that has no answer. */
  order(type: number, payload?: Buffer, handles?: readonly Handle[]): void {
    if (type === Command.outlive) this.#outlives = true
    this.#channel.send(type, 0, payload, handles)
  }

  /** Sends an order, and keeps this program running until it is answered. Resolves with the payload of the answer. */
  ask(type: number, payload?: Buffer, handles?: readonly Handle[]): Promise<Buffer> {
    if (this.isGone) return Promise.reject(this.reason)
    const id = ++this.#lastId
    this.#channel.send(type, id, payload, handles)
    if (type === Command.run && this.#outlives) this.#outliveThread()
    const release = this.hold()
    return this.#answers.add(id).finally(release)
  }

  adopt(pid: number): void {
    this.#channel.send(Command.adopt, 0, encode(pid))
  }

  /** Sends a signal, now or as soon as the pid is known. Returns whether there was a process to send it to. */
  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    const number = signalNumber(signal)
    if (this.#status || (this.#isChannelEnded && !this.#pidfd && !this.#hasEnded)) return false
    if (this.#hasEnded) {
      if (number === SIGKILL) this.#lastReports.expect({ isUrgent: true })
      return false
    }
    if (!this.#identity) {
      if (number !== 0 && !this.#signalChild(number)) this.#signalsAtStart.push(number)
      if (number === SIGKILL) this.#onKilled()
      return true
    }
    const result = this.#signal(number, this.#identity)
    if (result < 0 && getSystemErrorName(result) !== 'ESRCH') throw systemError(result, 'pidfd_send_signal')
    if (result === 0 && number === SIGKILL) this.#onKilled()
    return result === 0
  }

  /** Signals the process: by its pidfd if possible, otherwise by its pid. Returns 0 or a negative errno. */
  #signal(signal: number, { pid, uid }: Sender): number {
    const result = this.#pidfd?.signal(signal)
    if (result !== undefined && !REFUSED.has(result)) return result
    return binding.signal(pid, signal, this.#channel.fd, uid)
  }

  /**
   * Signals the process before it has sent a report, if its parent has reported it: it may hang, such as an interpreter
   * that loads something. Returns whether that was possible.
   */
  #signalChild(signal: number): boolean {
    const parent = this.reporter
    if (this.#reportedPid === undefined || parent?.pid === undefined || !parent.kill(0)) return false
    return binding.signalChild(parent.pid, this.#reportedPid, signal) === 0
  }

  /** @throws TypeError while processes that descend from this one live: it reports how their orphans end */
  assertChildless(order: string): void {
    if (this.#family.hasDescendants(this)) throw new TypeError(`${order}() while processes forked from it live`)
  }

  /**
   * Waits for all orders so far. Then gives the control socket to the caller, so that another owner can attach to it.
   */
  async detach(): Promise<Descriptor> {
    await this.ask(Command.ready)
    const socket = this.#channel.detach()
    this.#startLimit?.end()
    this.#dropPidfd()
    this.#outliveThread()
    this.#onChannelEnded()
    return socket
  }

  /** Keeps this program running until the returned function is called. */
  hold(): () => void {
    return this.#family.hold(this)
  }

  keep(on: boolean): void {
    if (on) {
      this.#channel.ref()
      if (this.#holders++ > 0) return
      this.#child?.ref()
      this.#pidfd?.ref()
      this.#lastReports.hold(true)
    } else {
      this.#channel.unref()
      if (--this.#holders > 0) return
      this.#child?.unref()
      this.#pidfd?.unref()
      this.#lastReports.hold(false)
    }
  }

  settle(): void {
    if (this.#isChannelEnded && !this.#status && !this.isRunning && this.#isUnreported && !this.#watchIfOwnChild()) {
      if (this.#reportedPid === undefined) {
        this.#family.exits.cancelExpected()
        if (this.reporter) this.#failure ??= this.reporter.reason
      }
      this.#status = UNKNOWN_STATUS
    }
    if (!this.isGone || !this.#leaveFamily()) return
    this.#startLimit?.end()
    this.#dropPidfd()
    this.#answers.rejectAll(this.reason)
    this.#family.onGone(this)
    this.#resolveMade()
    this.#resolveExited(this.#status!)
  }

  /** Whether no process is left that could report how this one ended. */
  get #isUnreported(): boolean {
    return this.#isAttached || this.#family.isUnreported(this)
  }

  /** @throws if the report is invalid */
  #onReport({ type, id, payload, descriptors }: Frame<Descriptor>): void {
    const fork = this.#forks.get(id)
    this.#startLimit?.end()
    switch (type) {
      case Report.listening:
        return
      case Report.started:
        return this.#onStarted(payload, descriptors[0])
      case Report.done:
        return this.#answers.resolve(id, payload)
      case Report.rejected:
        return this.#answers.reject(id, decodeError(payload))
      case Report.failed:
        this.#failure = decodeError(payload)
        return
      case Report.forked: {
        if (!fork) return
        const made = decodeMade(payload)
        this.#noteFork(made.mode, made.obstacle)
        return fork.#onMade(made)
      }
      case Report.forkFailed:
        if (fork) fork.#onForkFailed(decodeError(payload))
        return
      case Report.exited:
        return this.#onExitReported(payload)
      default:
        throw new TypeError(`it has sent a report of unknown type ${type}`)
    }
  }

  /** @throws TypeError if the report is invalid, or this process may not report that exit */
  #onExitReported(payload: Buffer): void {
    const { pid, status } = decodeEnded(payload)
    this.#family.exits.ended(pid, status, this)
  }

  /** Kills the program that was started: it may not be an interpreter. */
  #onStartOverdue(milliseconds: number): void {
    this.#failure ??= new ForkError(
      'ERR_START_TIMEOUT',
      `the interpreter did not take orders within ${milliseconds} ms: execPath may not be Node.js, or a module that it preloads blocks`,
    )
    this.#killIfPermitted(SIGKILL)
  }

  /** Kills the process: its function has written to the control socket, which can no longer be trusted. */
  #onProtocolError(cause: Error): void {
    this.#failure ??= new ForkError('ERR_PROTOCOL', `the process has sent an invalid report: ${cause.message}`, {
      cause,
    })
    this.#killIfPermitted(signalNumber('SIGKILL'))
    this.#channel.close()
    this.#onChannelEnded()
  }

  #onChannelEnded(): void {
    late.delete(this)
    this.#isChannelEnded = true
    this.settle()
  }

  /**
   * The process has started, or an interpreter has taken its place: then it has reported before.
   *
   * @param sent - the pidfd of the process, unless it could not open one; owned by the handle from now on
   * @throws TypeError if the report is invalid, or concerns another process
   */
  #onStarted(payload: Buffer, sent: Descriptor | undefined): void {
    try {
      const made = decodeMade(payload)
      if (this.#reportedPid !== undefined && this.#reportedPid !== made.pid)
        throw new TypeError('it has reported the pid of another process')
      const isFirst = !this.#identity
      if (isFirst) this.#identity = this.#senderOf(made)
      if (this.#identity && !this.#pidfd && !this.#hasEnded) {
        const pidfd = isFirst ? sent : undefined // the kernel names only the sender of the first report
        if (isFirst) sent = undefined
        this.#keepPidfd(pidfdOf(this.#identity, pidfd, this.#channel.socket))
      }
      if (this.isGone) return this.#killLate()
      this.#onMade(made)
      this.#mode = made.mode
      this.#resolveMade()
      if (isFirst && this.#identity) this.#onIdentified()
    } finally {
      sent?.close()
    }
  }

  /**
   * Returns the process that has sent the report being read; `undefined` if the kernel does not know it.
   *
   * @throws TypeError if that is this program: it has the socket from the process that was to hold it
   */
  #senderOf({ pid }: Made): Sender | undefined {
    const sender = this.#channel.sender ?? { pid, uid: 0 } // the system cannot tell
    if (sender.pid === process.pid) throw new TypeError('its owner has sent its report')
    return sender.pid ? sender : undefined
  }

  #onIdentified(): void {
    this.#channel.stopIdentifying()
    for (const signal of this.#signalsAtStart.splice(0)) this.#killIfPermitted(signal)
  }

  /** The process has been made, as it or the one that forked it reports. */
  #onMade({ pid, mode, obstacle }: Made): void {
    if (obstacle !== undefined) {
      this.#obstacle = obstacle
      if (this.reporter) this.reporter.#noteFork(mode, obstacle)
      warnOfFallback(obstacle)
    }
    if (this.#reportedPid !== undefined || this.#status) return
    this.#reportedPid = pid
    this.#mode = mode
    this.#family.exits.claim(pid, this)
    if (!this.#identity) for (const signal of this.#signalsAtStart.splice(0)) this.#killIfPermitted(signal)
    this.#family.onPid(this)
  }

  /** Forks of a process that is a fresh interpreter are interpreters for the same reason. */
  #noteFork(mode: MadeBy, obstacle = mode === 'exec' ? this.#obstacle : undefined): void {
    this.lastFork = obstacle === undefined ? { mode } : { mode, obstacle }
  }

  #onForkFailed(error: Error): void {
    this.#failure = error
    this.#family.exits.cancelExpected()
    this.onExit(UNKNOWN_STATUS)
  }

  /** The exit of the process was reported. */
  onExit(status: ExitStatus): void {
    if (!this.#status) this.likelyLimit = likelyLimit(status, this.limits)
    this.#status ??= status
    if (!this.#pidfd && !this.isGone) this.#lastReports.expect({ isUrgent: false })
    this.settle()
  }

  #keepPidfd(pidfd: Descriptor | undefined): void {
    if (!pidfd) return
    this.#pidfd = new Pidfd(pidfd, () => this.#onEnded())
    if (this.#holders) this.#pidfd.ref()
  }

  #dropPidfd(): void {
    this.#pidfd?.close()
    this.#pidfd = undefined
    this.#lastReports.cancel()
  }

  /**
   * The process has ended, as the kernel says. Its last reports, and the one of its exit, usually arrive at once. But
   * another process may hold its end of the control socket, and the one that reports its exit may be busy.
   */
  #onEnded(): void {
    this.#dropPidfd()
    this.#hasEnded = true
    this.#lastReports.expect({ isUrgent: this.#isKilled })
    this.settle()
  }

  /** SIGKILL was sent, or will be as soon as there is a process. Without a pidfd, the kernel does not report its end. */
  #onKilled(): void {
    this.#isKilled = true
    if (!this.#pidfd) this.#lastReports.expect({ isUrgent: true })
  }

  #endReports(): void {
    this.#channel.receiveRest()
    if (this.isGone) return
    if (this.#lastReports.isUrgent && !this.#status) {
      if (!this.#identity) this.#expectLate()
      this.#status = this.#isKilled ? { code: null, signal: 'SIGKILL' } : UNKNOWN_STATUS
    }
    if (!late.has(this)) this.#channel.close()
    this.#isChannelEnded = true
    this.settle()
  }

  /** Everything about the process is settled, but the busy process that was to fork it may still do so. */
  #expectLate(): void {
    if (this.#reportedPid === undefined) this.#family.exits.cancelExpected()
    if (this.#channel.isOpen) late.add(this)
  }

  #killLate(): void {
    if (this.#identity?.pid) this.#signal(SIGKILL, this.#identity)
    this.#dropPidfd()
    this.#channel.close()
    late.delete(this)
  }

  /** Sends a signal when there is no caller left that could be given an error. */
  #killIfPermitted(signal: number): void {
    try {
      this.kill(signal)
    } catch {
      // EPERM: this program has changed its user since kill() was called
    }
  }

  /** Lets the process live on when this thread ends. */
  #outliveThread(): void {
    if (this.#child?.pid !== undefined) spareAtThreadEnd(this.#child.pid)
  }

  /** Returns whether the process was in its family until now. */
  #leaveFamily(): boolean {
    const wasThere = this.#family.remove(this)
    if (!this.#family.processes.size) families.delete(this.#family)
    return wasThere
  }

  /**
   * Waits for the exit of the process, and reaps it, if this program has become its parent: as the first process of its
   * system or as a subreaper, it gets the orphans.
   *
   * @returns whether this program is the parent
   */
  #watchIfOwnChild(): boolean {
    if (this.#child) return true
    if (this.#isAttached || !this.#identity || !isChild(this.#identity.pid)) return false
    const child = new OwnChild(this.#identity.pid)
    this.#child = child
    child.once('exit', (code, signal) => this.onExit({ code, signal }))
    if (this.#holders) child.ref()
    return true
  }

  /** Lets go of a process that was not ordered. */
  #abandonUnmade(): void {
    this.#leaveFamily()
    this.#channel.close()
  }

  /** Lets go of all processes in a forked process: they belong to its parent. */
  static #abandonAll(): void {
    for (const { processes } of families) for (const one of processes) one.#abandon()
    families.clear()
    for (const one of late) one.#channel.close()
    late.clear()
  }

  /** Earlier promises belong to the parent too, and settle only there. New orders are rejected at once. */
  #abandon(): void {
    this.#family.remove(this)
    this.#channel.close()
    this.#startLimit?.end()
    this.#dropPidfd()
    this.#child?.unref()
    this.#isChannelEnded = true
    this.#status ??= UNKNOWN_STATUS
    this.#failure ??= new ForkError('ERR_NOT_OWNED', 'the process belongs to the parent of this one')
    this.#exited = Promise.resolve(this.#status)
  }

  static {
    afterFork(() => ProcessHandle.#abandonAll())
  }
}
