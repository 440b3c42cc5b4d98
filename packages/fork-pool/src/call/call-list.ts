import type { Call } from './call.js'

/** Calls in an order; each is in one list at a time. All but `insert` is done in constant time, so that a call can be taken out wherever it waits. */
export class CallList {
  #first: Call | undefined
  #last: Call | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  get first(): Call | undefined {
    return this.#first
  }

  push(call: Call): void {
    call.list = this
    call.previous = this.#last
    call.next = undefined
    if (this.#last) this.#last.next = call
    else this.#first = call
    this.#last = call
    this.#length++
  }

  /**
   * Puts a call where it belongs in a list in the order in which calls were made.
   *
   * @param behind - a call of before, to look for the place from there; else from the first
   */
  insert(call: Call, behind?: Call): void {
    let next = behind?.list === this && behind.number < call.number ? behind.next : this.#first
    while (next && next.number < call.number) next = next.next
    if (!next) return this.push(call)
    call.list = this
    call.previous = next.previous
    call.next = next
    if (next.previous) next.previous.next = call
    else this.#first = call
    next.previous = call
    this.#length++
  }

  /** @param call - one that is in this list */
  remove(call: Call): void {
    if (call.previous) call.previous.next = call.next
    else this.#first = call.next
    if (call.next) call.next.previous = call.previous
    else this.#last = call.previous
    call.list = call.previous = call.next = undefined
    this.#length--
  }

  *[Symbol.iterator](): Generator<Call> {
    for (let call = this.#first; call; call = call.next) yield call
  }
}
