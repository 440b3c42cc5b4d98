import TinyQueue from 'tinyqueue'

/** An item of a list, with its links. An item is in at most one list at a time. */
export interface Linked<T extends Linked<T>> {
  /** The position in the order of creation. */
  readonly number: number
  list: LinkedList<T> | undefined
  previous: T | undefined
  next: T | undefined
}

/** An item of a priority queue. */
export interface Prioritised<T extends Prioritised<T>> extends Linked<T> {
  readonly priority: number
  queue: PriorityQueue<T> | undefined
}

/** An intrusive doubly linked list. `push` and `remove` are O(1); `insert` is O(n). */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined
  #last: T | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  get first(): T | undefined {
    return this.#first
  }

  get last(): T | undefined {
    return this.#last
  }

  push(item: T): void {
    item.list = this
    item.previous = this.#last
    item.next = undefined
    if (this.#last) this.#last.next = item
    else this.#first = item
    this.#last = item
    this.#length++
  }

  /**
   * Inserts an item by its number into a list that is sorted by number.
   *
   * @param behind - an item with a lower number, from which the search for the place starts; default: the first item
   */
  insert(item: T, behind?: T): void {
    let next = behind?.list === this && behind.number < item.number ? behind.next : this.#first
    while (next && next.number < item.number) next = next.next
    if (!next) return this.push(item)
    item.list = this
    item.previous = next.previous
    item.next = next
    if (next.previous) next.previous.next = item
    else this.#first = item
    next.previous = item
    this.#length++
  }

  /** @param item - an item of this list */
  remove(item: T): void {
    if (item.previous) item.previous.next = item.next
    else this.#first = item.next
    if (item.next) item.next.previous = item.previous
    else this.#last = item.previous
    item.list = item.previous = item.next = undefined
    this.#length--
  }

  *[Symbol.iterator](): Generator<T> {
    for (let item = this.#first; item; item = item.next) yield item
  }
}

/** How many empty lists a queue may keep beyond two for each item, so that a recurring priority keeps its list. */
const SPARE_LISTS = 8

/** A queue that yields the highest priority first and, within a priority, the lowest number. */
export class PriorityQueue<T extends Prioritised<T>> {
  readonly #lists = new Map<number, LinkedList<T>>()
  #priorities = heapOf([])
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The next item. */
  get first(): T | undefined {
    if (!this.#length) return undefined
    for (;;) {
      const priority = this.#priorities.peek()!
      const { first } = this.#lists.get(priority)!
      if (first) return first
      this.#priorities.pop()
      this.#lists.delete(priority)
    }
  }

  /** Adds an item whose number is higher than that of every other item with its priority. */
  push(item: T): void {
    this.#listOf(item.priority).push(item)
    item.queue = this
    this.#length++
  }

  /**
   * Puts an item back into its place.
   *
   * @param behind - the item that was put back before this one, from which the search for the place starts
   */
  putBack(item: T, behind?: T): void {
    this.#listOf(item.priority).insert(item, behind)
    item.queue = this
    this.#length++
  }

  /** Removes the next item and returns it. */
  shift(): T | undefined {
    const { first } = this
    if (first) this.remove(first)
    return first
  }

  /** @param item - an item of this queue */
  remove(item: T): void {
    item.list!.remove(item)
    item.queue = undefined
    this.#length--
  }

  #listOf(priority: number): LinkedList<T> {
    let list = this.#lists.get(priority)
    if (!list) {
      if (this.#lists.size > this.#length * 2 + SPARE_LISTS) this.#deleteEmptyLists()
      list = new LinkedList()
      this.#lists.set(priority, list)
      this.#priorities.push(priority)
    }
    return list
  }

  #deleteEmptyLists(): void {
    for (const [priority, { length }] of this.#lists) if (!length) this.#lists.delete(priority)
    this.#priorities = heapOf([...this.#lists.keys()])
  }
}

/** Returns whether a queue yields `a` before `b`. */
export function isBefore<T extends Prioritised<T>>(a: T, b: T): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.number < b.number)
}

/** A heap that yields the highest priority first. */
function heapOf(priorities: number[]): TinyQueue<number> {
  return new TinyQueue(priorities, (a, b) => b - a)
}
