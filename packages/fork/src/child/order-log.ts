import type { Descriptor } from '@anyfork/fdpass'
import type { Configuration } from '../configuration.js'
import { ForkError } from '../errors.js'
import { Command, type Frame } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import type { Restrictions } from '../restrictions.js'

/** Orders that give the function its arguments, which it uses up. */
const ARGUMENTS: ReadonlySet<number> = new Set([Command.argument, Command.descriptor])
/** All orders that concern only the function. */
const OF_RUN: ReadonlySet<number> = new Set([...ARGUMENTS, Command.outlive])
const KEPT: ReadonlySet<number> = new Set([...OF_RUN, Command.require, Command.eval, Command.warm, Command.call])

/** Ends the orders to the process that was forked. */
const INHERITED: Frame<Descriptor> = { type: Command.inherited, id: 0, payload: Buffer.alloc(0), descriptors: [] }

/** The most bytes to keep if the log may never be needed. */
const MOST_BYTES = 16 << 20

/** The orders that this process has carried out, so that another one can replay them. */
export class OrderLog {
  readonly #limit: number
  /** The orders to processes from which this one descends. */
  #inherited: Frame<Descriptor>[] = []
  /** The orders to this process. */
  #own: Frame<Descriptor>[] = []
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
    else if (type === Command.configure) this.#addConfiguration(payload)
    else if (KEPT.has(type)) this.#own.push({ type, id, payload: ownMemory(payload), descriptors })
    // Arguments do not count: they are kept for the function anyway.
    if (!ARGUMENTS.has(type)) this.#bytes += payload.byteLength
    if (this.#bytes <= this.#limit) return
    this.#isDropped = true
    this.#inherited = []
    this.#own = []
  }

  /** Adds only the working folder: a process that this one starts inherits all other restrictions. */
  #addRestrictions({ cwd }: Restrictions): void {
    if (cwd !== undefined) this.#own.push({ type: Command.restrict, id: 0, payload: encode({ cwd }), descriptors: [] })
  }

  /** Adds everything but the standard streams, which a process that this one starts inherits. */
  #addConfiguration(payload: Buffer): void {
    const { streams, ...rest } = decode<Configuration>(payload)
    const left: Buffer = streams.length ? encode({ ...rest, streams: [] }) : ownMemory(payload)
    this.#own.push({ type: Command.configure, id: 0, payload: left, descriptors: [] })
  }

  /** Forgets the orders that concern only the function that is about to run. */
  forgetRun(): void {
    this.#inherited = this.#inherited.filter(({ type }) => !OF_RUN.has(type))
    this.#own = this.#own.filter(({ type }) => !OF_RUN.has(type))
  }

  /** Call this in a forked child: the orders so far were those of the parent. */
  inherit(): void {
    this.#inherited.push(...this.#own.splice(0))
  }

  /**
   * Returns the orders that a fork of this process must carry out.
   *
   * @throws `ERR_CANNOT_REPLAY` if a descriptor was closed or the log was dropped
   */
  forFork(): Frame<Descriptor>[] {
    this.#assertComplete()
    return [...this.#inherited, ...this.#own, INHERITED]
  }

  /**
   * Returns the orders that a process must carry out that takes the place of this one, which was forked.
   *
   * @throws `ERR_CANNOT_REPLAY` as `forFork`
   */
  forReplacement(): Frame<Descriptor>[] {
    this.#assertComplete()
    return [...this.#inherited, INHERITED, ...this.#own]
  }

  #assertComplete(): void {
    if (this.#isDropped)
      throw new ForkError(
        'ERR_CANNOT_REPLAY',
        `the orders of the process take more than the ${MOST_BYTES} bytes that mode 'auto' keeps for a replay: use mode 'exec'`,
      )
    if ([...this.#inherited, ...this.#own].some(({ descriptors }) => descriptors.some(one => !one.isOpen))) {
      throw new ForkError(
        'ERR_CANNOT_REPLAY',
        'a descriptor that the process was sent has been closed or used up, so it cannot be sent to another process',
      )
    }
  }
}

/**
 * Returns a payload that shares its memory with no other, so that keeping it does not keep the rest of a received
 * chunk. A large payload has memory of its own and is not copied.
 */
function ownMemory(payload: Buffer): Buffer {
  return payload.buffer.byteLength === payload.byteLength ? payload : Buffer.from(payload)
}
