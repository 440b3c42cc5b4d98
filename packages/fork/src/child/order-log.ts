import type { Descriptor } from '@anyfork/fdpass'
import type { ControlChannel } from '../control-channel.js'
import { ForkError } from '../errors.js'
import { Command, type Frame } from '../frame.js'
import { decode, encode } from '../payload.js'
import type { Restrictions } from '../restrictions.js'

/** What a function is given; it is used up when one has run. */
const ARGUMENTS: ReadonlySet<number> = new Set([Command.argument, Command.descriptor])
const KEPT: ReadonlySet<number> = new Set([...ARGUMENTS, Command.require, Command.eval, Command.warm, Command.outlive])

/** What this process was ordered to do, so that a fresh one can do it again. */
export class OrderLog {
  #orders: Frame<Descriptor>[] = []

  /** Takes note of an order. Its descriptors stay whose they are: what code of `eval` closes cannot be given again. */
  add({ type, id, payload, descriptors }: Frame<Descriptor>): void {
    if (type === Command.restrict) this.#addRestrictions(decode(payload))
    else if (KEPT.has(type)) this.#orders.push({ type, id, payload: ownMemory(payload), descriptors })
  }

  /** Whoever is started by a restricted process is restricted; only where it is to be, it does not inherit from there. */
  #addRestrictions({ cwd }: Restrictions): void {
    if (cwd !== undefined) this.#orders.push({ type: Command.restrict, id: 0, payload: encode({ cwd }), descriptors: [] })
  }

  /** The arguments so far went to a function. */
  forgetArguments(): void {
    this.#orders = this.#orders.filter(({ type }) => !ARGUMENTS.has(type))
  }

  /**
   * Sends all of it.
   *
   * @throws `ERR_CANNOT_REPLAY`, before anything is sent, when a descriptor has been closed
   */
  sendTo(channel: ControlChannel): void {
    if (this.#orders.some(({ descriptors }) => descriptors.some(one => !one.isOpen))) {
      throw new ForkError('ERR_CANNOT_REPLAY', 'a descriptor that was sent has been used up, and cannot be given to another process')
    }
    for (const { type, id, payload, descriptors } of this.#orders) channel.send(type, id, payload, descriptors)
  }
}

/** A payload alone in its memory, which may be large, or a copy: others come many in one piece, which is not to be kept for one of them. */
function ownMemory(payload: Buffer): Buffer {
  return payload.buffer.byteLength === payload.byteLength ? payload : Buffer.from(payload)
}
