import type { Descriptor } from '@anyfork/fdpass'
import { ForkError } from '../errors.js'
import type { ControlChannel } from '../protocol/control-channel.js'
import { Command, type Frame } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import type { Restrictions } from '../restrictions.js'

/** What a function is given; it is used up when one has run. */
const ARGUMENTS: ReadonlySet<number> = new Set([Command.argument, Command.descriptor])
/** All that is about the function. */
const OF_RUN: ReadonlySet<number> = new Set([...ARGUMENTS, Command.outlive])
const KEPT: ReadonlySet<number> = new Set([...OF_RUN, Command.require, Command.eval, Command.warm])

/** So many bytes are kept where they may never be needed. */
const MOST_BYTES = 16 << 20

/** What this process was ordered to do, so that a fresh one can do it again. */
export class OrderLog {
  readonly #limit: number
  #orders: Frame<Descriptor>[] = []
  #bytes = 0
  #isGivenUp = false

  /** @param isNeeded - by all forks; else only by those that cannot be real ones, and long logs are given up */
  constructor(isNeeded: boolean) {
    this.#limit = isNeeded ? Infinity : MOST_BYTES
  }

  /** Takes note of an order. Its descriptors stay whose they are: what code of `eval` closes cannot be given again. */
  add({ type, id, payload, descriptors }: Frame<Descriptor>): void {
    if (this.#isGivenUp) return
    if (type === Command.restrict) this.#addRestrictions(decode(payload))
    else if (KEPT.has(type)) this.#orders.push({ type, id, payload: ownMemory(payload), descriptors })
    // Arguments are in the process anyway.
    if (!ARGUMENTS.has(type)) this.#bytes += payload.byteLength
    if (this.#bytes <= this.#limit) return
    this.#isGivenUp = true
    this.#orders = []
  }

  /** Whoever is started by a restricted process is restricted; only where it is to be, it does not inherit from there. */
  #addRestrictions({ cwd }: Restrictions): void {
    if (cwd !== undefined)
      this.#orders.push({ type: Command.restrict, id: 0, payload: encode({ cwd }), descriptors: [] })
  }

  /** A function runs: the arguments so far went to it, and it alone outlives its owner, if that was ordered. */
  forgetRun(): void {
    this.#orders = this.#orders.filter(({ type }) => !OF_RUN.has(type))
  }

  /**
   * Sends all of it.
   *
   * @throws `ERR_CANNOT_REPLAY`, before anything is sent, when a descriptor has been closed, or the log was given up
   */
  sendTo(channel: ControlChannel): void {
    if (this.#isGivenUp)
      throw new ForkError(
        'ERR_CANNOT_REPLAY',
        `the process was ordered to do more than the ${MOST_BYTES} bytes that mode 'auto' keeps: use 'exec'`,
      )
    if (this.#orders.some(({ descriptors }) => descriptors.some(one => !one.isOpen))) {
      throw new ForkError(
        'ERR_CANNOT_REPLAY',
        'a descriptor that was sent has been used up, and cannot be given to another process',
      )
    }
    for (const { type, id, payload, descriptors } of this.#orders) channel.send(type, id, payload, descriptors)
  }
}

/** A payload alone in its memory, which may be large, or a copy: others come many in one piece, which is not to be kept for one of them. */
function ownMemory(payload: Buffer): Buffer {
  return payload.buffer.byteLength === payload.byteLength ? payload : Buffer.from(payload)
}
