import { type Descriptor, dup, type Handle } from '@anyfork/fdpass'

/** How many passed descriptors wait to be sent. Values are searched for them only then. */
let waiting = 0
/** Closes a descriptor whose PassedDescriptor was collected without being sent. */
const forgotten = new FinalizationRegistry<Descriptor>(descriptor => {
  waiting--
  descriptor[Symbol.dispose]()
})

/** A descriptor on its way to another process, where it arrives as a `Descriptor`. `fd` creates it. */
export class PassedDescriptor {
  #descriptor: Descriptor | undefined

  /** @param descriptor - belongs to this object from now on */
  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor
    waiting++
    forgotten.register(this, descriptor, this)
  }

  /** Whether any passed descriptor waits to be sent. */
  static get areWaiting(): boolean {
    return waiting > 0
  }

  /** Whether it can be sent: it has not been sent yet. */
  get isWaiting(): boolean {
    return this.#descriptor !== undefined
  }

  /** Hands over the descriptor, to be sent and then closed. */
  release(): Descriptor {
    const descriptor = this.#descriptor!
    this.#descriptor = undefined
    waiting--
    forgotten.unregister(this)
    return descriptor
  }
}

/**
 * Makes a descriptor that can be passed in the arguments of a call, its result, an event, or a value of a stream, also
 * within arrays and plain objects. The receiver gets a `Descriptor`, which it owns and must close.
 *
 * @param handle - a descriptor number, or an object that has a descriptor. It is duplicated at once and stays yours:
 *   you may close it right after this call. The duplicate is closed when it has been sent or cannot be sent, whatever
 *   becomes of the call
 * @returns a value to pass once
 * @throws TypeError if `handle` has no descriptor
 * @throws EMFILE if the descriptor table is full
 */
export function fd(handle: Handle): PassedDescriptor {
  return new PassedDescriptor(dup(handle))
}
