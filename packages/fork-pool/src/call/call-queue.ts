import TinyQueue from 'tinyqueue'
import type { Call } from './call.js'
import { CallList } from './call-list.js'

/** So many lists there may be beyond two for each call: a priority that comes again and again keeps its own. */
const SPARE_LISTS = 8

/** Calls that wait: the higher priority first; among equals, who came first. */
export class CallQueue {
  readonly #lists = new Map<number, CallList>()
  #priorities = heapOf([])
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The next one. */
  get first(): Call | undefined {
    if (!this.#length) return undefined
    for (;;) {
      const priority = this.#priorities.peek()!
      const { first } = this.#lists.get(priority)!
      if (first) return first
      this.#priorities.pop()
      this.#lists.delete(priority)
    }
  }

  push(call: Call): void {
    this.#listOf(call).push(call)
    call.queue = this
    this.#length++
  }

  /**
   * Puts one back that was taken before, in its place.
   *
   * @param behind - one that was put back just before, to look for the place from there
   */
  putBack(call: Call, behind?: Call): void {
    this.#listOf(call).insert(call, behind)
    call.queue = this
    this.#length++
  }

  /** Takes the next one. */
  shift(): Call | undefined {
    const { first } = this
    if (first) this.remove(first)
    return first
  }

  /** @param call - one that is in this queue */
  remove(call: Call): void {
    call.list!.remove(call)
    call.queue = undefined
    this.#length--
  }

  #listOf({ options: { priority } }: Call): CallList {
    let list = this.#lists.get(priority)
    if (!list) {
      if (this.#lists.size > this.#length * 2 + SPARE_LISTS) this.#dropEmpty()
      list = new CallList()
      this.#lists.set(priority, list)
      this.#priorities.push(priority)
    }
    return list
  }

  #dropEmpty(): void {
    for (const [priority, { length }] of this.#lists) if (!length) this.#lists.delete(priority)
    this.#priorities = heapOf([...this.#lists.keys()])
  }
}

/** The highest is the next. */
function heapOf(priorities: number[]): TinyQueue<number> {
  return new TinyQueue(priorities, (a, b) => b - a)
}

/** Whether one call is to be served before another. */
export function isBefore(a: Call, b: Call): boolean {
  return a.options.priority > b.options.priority || (a.options.priority === b.options.priority && a.number < b.number)
}
