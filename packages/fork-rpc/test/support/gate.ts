import { type Descriptor, pipe } from '@anyfork/fdpass'
import { fd } from '@anyfork/fork-rpc'

/** Holds up a process that blocks in `blockUntilOpen` of the fixtures. It works while the event loop of either blocks. */
export class Gate {
  readonly #ends: [readEnd: Descriptor, writeEnd: Descriptor] = pipe()

  /** The end on which the process blocks. */
  get readEnd(): Descriptor {
    return this.#ends[0]
  }

  /** Returns the gate as an argument of a call. */
  pass(): ReturnType<typeof fd> {
    return fd(this.readEnd)
  }

  /** Lets the process go on. Idempotent. */
  open(): void {
    for (const end of this.#ends) end[Symbol.dispose]()
  }
}
