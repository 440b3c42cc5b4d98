import type { Descriptor } from '@anyfork/fdpass'
import { ForkError } from '../errors.js'
import type { ControlChannel } from '../protocol/control-channel.js'
import { Command, type Frame } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import type { Restrictions } from '../restrictions.js'

/** Orders that give the function its arguments, which it uses up. */
const ARGUMENTS: ReadonlySet<number> = new Set([Command.argument, Command.descriptor])
/** All orders that concern only the function. */
const OF_RUN: ReadonlySet<number> = new Set([...ARGUMENTS, Command.outlive])
const KEPT: ReadonlySet<number> = new Set([...OF_RUN, Command.require, Command.eval, Command.warm])

/** The most bytes to keep if the log may never be needed. */
const MOST_BYTES = 16 << 20

/** The orders that this process has carried out, so that another one can replay them. */
export class OrderLog {
  readonly #limit: number
  #orders: Frame<Descriptor>[] = []
  #bytes = 0
  #isDropped = false

  /** @param isNeeded - whether every fork needs the log; if not, it is dropped when it gets too long */
  constructor(isNeeded: boolean) {
    this.#limit = isNeeded ? Infinity : MOST_BYTES
  }

  /** Adds an order. Its descriptors still belong to users' code: if that closes one, the log cannot be replayed. */
  add({ type, id, payload, descriptors }: Frame<Descriptor>): void {
    if (this.#isDropped) return
    if (type === Command.restrict) this.#addRestrictions(decode(payload))
    else if (KEPT.has(type)) this.#orders.push({ type, id, payload: ownMemory(payload), descriptors })
    // Arguments do not count: they are kept for the function anyway.
    if (!ARGUMENTS.has(type)) this.#bytes += payload.byteLength
    if (this.#bytes <= this.#limit) return
    this.#isDropped = true
    this.#orders = []
  }

  /** Adds only the working folder: a process that this one starts inherits all other restrictions. */
  #addRestrictions({ cwd }: Restrictions): void {
    if (cwd !== undefined)
      this.#orders.push({ type: Command.restrict, id: 0, payload: encode({ cwd }), descriptors: [] })
  }

  /** Forgets the orders that concern only the function that is about to run. */
  forgetRun(): void {
    this.#orders = this.#orders.filter(({ type }) => !OF_RUN.has(type))
  }

  /**
   * Sends all orders.
   *
   * @throws `ERR_CANNOT_REPLAY` if a descriptor was closed or the log was dropped; nothing is sent
   */
  sendTo(channel: ControlChannel): void {
    if (this.#isDropped)
      throw new ForkError(
        'ERR_CANNOT_REPLAY',
        `the orders of the process take more than the ${MOST_BYTES} bytes that mode 'auto' keeps for a replay: use mode 'exec'`,
      )
    if (this.#orders.some(({ descriptors }) => descriptors.some(one => !one.isOpen))) {
      throw new ForkError(
        'ERR_CANNOT_REPLAY',
        'a descriptor that the process was sent has been closed or used up, so it cannot be sent to another process',
      )
    }
    for (const { type, id, payload, descriptors } of this.#orders) channel.send(type, id, payload, descriptors)
  }
}

/**
 * Returns a payload that shares its memory with no other, so that keeping it does not keep the rest of a received
 * chunk. A large payload has memory of its own and is not copied.
 */
function ownMemory(payload: Buffer): Buffer {
  return payload.buffer.byteLength === payload.byteLength ? payload : Buffer.from(payload)
}
