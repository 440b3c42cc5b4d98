import { type Descriptor, dup, type Handle } from '@anyfork/fdpass'

/** How many are waiting to be sent: only then are values searched for them. */
let waiting = 0
/** One that was never sent is closed when nobody refers to it any more. */
const forgotten = new FinalizationRegistry<Descriptor>(descriptor => {
  waiting--
  descriptor[Symbol.dispose]()
})

/** A descriptor on its way to another process, where it is a `Descriptor`. Made by `fd`. */
export class PassedDescriptor {
  #descriptor: Descriptor | undefined

  /** @param descriptor - belongs to this object from now on */
  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor
    waiting++
    forgotten.register(this, descriptor, this)
  }

  /** Whether any is waiting to be sent. */
  static get areWaiting(): boolean {
    return waiting > 0
  }

  /** Whether it can be sent: it was not yet. */
  get isWaiting(): boolean {
    return this.#descriptor !== undefined
  }

  /** Hands over the descriptor, to be sent and closed. */
  release(): Descriptor {
    const descriptor = this.#descriptor!
    this.#descriptor = undefined
    waiting--
    forgotten.unregister(this)
    return descriptor
  }
}

/**
 * Lets a descriptor pass among the arguments of a call, in its result, an event or a
 * value of a stream, also within arrays and plain objects. The receiver gets a
 * `Descriptor`, which it owns.
 *
 * @param handle - a number, or anything that has a descriptor. It is duplicated at once: the caller still
 *   owns it, and may close it at once. The duplicate is closed when it has been sent, or cannot be, whatever
 *   becomes of the call
 * @returns to be passed once
 * @throws TypeError for what has no descriptor; `EMFILE` when there is no room for the duplicate
 */
export function fd(handle: Handle): PassedDescriptor {
  return new PassedDescriptor(dup(handle))
}
