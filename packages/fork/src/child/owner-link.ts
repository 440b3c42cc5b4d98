import { constants } from 'node:os'
import { Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { encodeError } from '../error-codec.js'
import type { MadeBy } from '../mode.js'
import { Pidfd } from '../pidfd.js'
import { type ChannelListener, ControlChannel } from '../protocol/control-channel.js'
import { frameHeader, Report } from '../protocol/frame.js'
import { type Ended, encodeEnded, encodeMade, type Made } from '../protocol/reports.js'
import { ReservedSlot } from '../protocol/reserved-slot.js'
import { armLifeline, claimLifeline, cutLifeline, type Lifeline } from '../safety/lifeline.js'
import { ForkServer, type ForkServerListener } from './fork-server.js'

/** What a process reports, in a frame, if it ends because it cannot start its threads. */
export function threadLimitReport(): Buffer {
  const error = encodeError(systemError(-constants.errno.EAGAIN, 'pthread_create'))
  return Buffer.concat([frameHeader(Report.failed, 0, error.length, 0), error])
}

/** What ties this process to its owner: the control channel for orders and reports, and the lifeline. */
export class OwnerLink {
  /** Carries out the orders to fork that need no JavaScript. */
  readonly server: ForkServer
  readonly #channel: ControlChannel
  #lifeline: Lifeline
  #madeBy: MadeBy
  readonly #reservedSlot = new ReservedSlot(() => this.#lifeline.shared)

  /**
   * @param control - the control socket; owned by the link from now on
   * @param lifeline - armed; owned by the link from now on
   */
  constructor(control: Descriptor, lifeline: Lifeline, madeBy: MadeBy, listener: ChannelListener & ForkServerListener) {
    this.#lifeline = lifeline
    this.#madeBy = madeBy
    this.server = new ForkServer(control, listener)
    this.server.lifeline = lifeline
    this.#channel = new ControlChannel(control, listener, {
      reservedSlot: this.#reservedSlot,
      watch: onReady => this.server.watch(onReady),
    })
    this.#channel.ref()
    binding.reportThreadLimit(control.fd, threadLimitReport())
  }

  /** The number of the control socket. */
  get control(): number {
    return this.#channel.fd
  }

  get lifeline(): Lifeline {
    return this.#lifeline
  }

  /** The numbers of the descriptors that the link keeps open. */
  get descriptors(): number[] {
    const { shared, own } = this.#lifeline
    return [this.#channel.fd, shared.fd, own?.fd, this.#reservedSlot.fd, ...binding.threadDescriptors()].filter(
      fd => fd !== undefined,
    )
  }

  /** Forgets what was between the parent and its owner. Call this in a forked child. */
  becomeChild(): void {
    this.#madeBy = 'fork'
    this.#channel.restart()
    const { shared, own } = this.#lifeline
    const armed = this.server.ownLifeline
    if (armed !== own?.fd) this.#lifeline = { shared, own: armed === undefined ? undefined : new Descriptor(armed) }
  }

  /** Whether no order has arrived in part. */
  get isBetweenOrders(): boolean {
    return this.#channel.isBetweenFrames
  }

  /** Receives the orders that have arrived, without waiting for the event loop. */
  receive(): void {
    this.#channel.receive()
  }

  /** Reports that this process takes orders. */
  listening(): void {
    this.#channel.send(Report.listening, 0)
  }

  /** Reports the pid of this process and how it was made. */
  started(id: number, obstacle?: string): void {
    const pid = binding.getpid()
    const pidfd = Pidfd.open(pid, this.#lifeline.shared)
    this.#channel.send(Report.started, id, encodeMade({ pid, mode: this.#madeBy, obstacle }), pidfd ? [pidfd] : [])
    pidfd?.close()
  }

  /** Closes the control socket, and the fork server with it. Both lifelines stay open. */
  close(): void {
    this.#channel.close()
    this.#reservedSlot.free()
    this.server.close()
  }

  done(id: number, payload?: Buffer): void {
    this.#channel.send(Report.done, id, payload)
  }

  rejected(id: number, error: unknown): void {
    this.#channel.send(Report.rejected, id, encodeError(error))
  }

  failed(error: unknown): void {
    this.#channel.send(Report.failed, 0, encodeError(error))
  }

  forked(id: number, made: Made): void {
    this.#channel.send(Report.forked, id, encodeMade(made))
  }

  forkFailed(id: number, error: unknown): void {
    this.#channel.send(Report.forkFailed, id, encodeError(error))
  }

  exited(ended: Ended): void {
    this.#channel.send(Report.exited, 0, encodeEnded(ended))
  }

  /** Waits until the owner has read all reports, or is gone. */
  flush(): void {
    this.#channel.flushAll()
  }

  /** Finishes the report and the order that have been sent in part. Blocks while the owner neither reads nor writes. */
  finishFrames(): void {
    this.#channel.flushAll()
    this.#channel.finishFrame()
  }

  /** Closes the control socket of a fork. If it came in through the reserved slot, this takes the slot again. */
  closeControl(control: Descriptor): void {
    control.close()
    this.#reservedSlot.take()
  }

  /** Lets the process end when its function has nothing left to do, although the owner could send orders. */
  unref(): void {
    this.#channel.unref()
  }

  /** Keeps the lifeline working after this process has changed its user. */
  claimLifeline(): void {
    claimLifeline(this.#lifeline)
  }

  /** Lets this process outlive its owner. */
  cutLifeline(): void {
    this.#lifeline = cutLifeline(this.#lifeline)
    this.server.lifeline = this.#lifeline
  }

  /** @param shared - the lifeline of another owner; owned by the link from now on */
  changeLifeline(shared: Descriptor): void {
    const { own } = armLifeline({ shared, own: undefined })
    this.#lifeline.own?.close()
    this.#lifeline.shared.close()
    this.#lifeline = { shared, own }
    this.server.lifeline = this.#lifeline
  }
}
