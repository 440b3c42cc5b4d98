/** The largest index of an array: 2^32 - 2. */
const MOST_INDEX = 0xfffffffe
const MOST_DIGITS = 10
const ZERO = 48

/** V8's limits (js-objects.h, dictionary.h): where elements become a table instead of room for all. */
const MOST_GAP = 1024
const MOST_UNCHECKED = 5000
const WORDS_PER_ENTRY = 3
const SIZE_FACTOR = 3
const MOST_WASTE = 2
const WORD = 8
/** The memory of an empty table, in bytes. */
const TABLE = 100
/** What it costs to move a key into a table once more, as bytes: about two microseconds. */
const MOVE = 200

/**
 * Returns the index that a text in ASCII or UTF-16 stands for: V8 keeps such properties of an object as elements.
 *
 * @param length - how many characters it has
 * @param unit - how many bytes each one has
 * @returns -1 if it is no index
 */
export function indexOfText(bytes: Uint8Array, at: number, length: number, unit = 1): number {
  if (length > MOST_DIGITS || length === 0 || (bytes[at] === ZERO && length > 1)) return -1
  let index = 0
  for (let i = at; i < at + length * unit; i += unit) {
    const digit = bytes[i]! - ZERO
    if (!(digit >= 0 && digit <= 9) || (unit === 2 && bytes[i + 1] !== 0)) return -1
    index = index * 10 + digit
  }
  return index <= MOST_INDEX ? index : -1
}

/** Reports whether a number that is a key is an index, which V8 keeps as an element, too. */
export function isIndex(key: number): boolean {
  return Number.isInteger(key) && key >= 0 && key <= MOST_INDEX
}

/**
 * Counts the memory of the elements of one object or array, to which keys that are indexes are added. V8 makes room up to
 * the index, and for half as many, if the gap is below 1,024: an object with the single key `999` takes 12 KB. It
 * changes to a table, and back, depending on what takes less. This does the same. Keys can be chosen so that V8 changes
 * again and again, which takes time: this counts, too.
 */
export class IndexKeys {
  /** Room for how many elements there is. */
  #capacity: number
  #isTable = false
  #tables = 0
  #count = 0
  #highest: number
  /** The memory of former room, and the cost of former moves, in bytes. */
  #former: number
  /** What `add` has returned in all. */
  #charged = 0
  readonly #counted: number

  /**
   * @param counted - how many bytes are counted elsewhere for each key
   * @param length - the room of an array, which is counted elsewhere, too
   */
  constructor(counted: number, length = 0) {
    this.#counted = counted
    this.#capacity = length
    this.#highest = length - 1
    this.#former = -WORD * length
  }

  /**
   * Adds a key.
   *
   * @returns how many bytes all keys take more than before, beside what is counted elsewhere. A key that has room may
   *   make it less
   */
  add(index: number): number {
    this.#count++
    if (index > this.#highest) this.#highest = index
    if (this.#isTable) {
      if (this.#highest < MOST_WASTE * WORDS_PER_ENTRY * this.#tableCapacity()) this.#makeRoom(this.#highest + 1)
    } else if (index >= this.#capacity) {
      const capacity = index + 1 + ((index + 1) >> 1) + 16
      if (index - this.#capacity < MOST_GAP && this.#prefersRoom(capacity)) this.#capacity = capacity
      else this.#makeTable()
    }
    const bytes = this.#former + (this.#isTable ? TABLE : WORD * this.#capacity)
    const more = Math.max(0, bytes - this.#counted * this.#count) - this.#charged
    this.#charged += more
    return more
  }

  #prefersRoom(capacity: number): boolean {
    return capacity <= MOST_UNCHECKED || SIZE_FACTOR * WORDS_PER_ENTRY * this.#tableCapacity() > capacity
  }

  #makeRoom(capacity: number): void {
    this.#isTable = false
    this.#capacity = capacity
  }

  #makeTable(): void {
    this.#isTable = true
    this.#former += WORD * this.#capacity
    if (this.#tables++ > 0) this.#former += MOVE * this.#count
  }

  /** Returns for how many keys a table of them has room. */
  #tableCapacity(): number {
    const least = Math.max(this.#count + (this.#count >> 1), 4)
    return 1 << (32 - Math.clz32(least - 1))
  }
}
