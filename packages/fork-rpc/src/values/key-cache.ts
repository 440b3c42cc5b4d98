/** A power of two. */
const CAPACITY = 256
/** Longer keys are rare. */
const MOST_LENGTH = 32

/** Keeps the last keys of objects, so that objects of the same form share the text of their keys. */
export class KeyCache {
  readonly #keys: string[] = Array<string>(CAPACITY).fill('')

  /**
   * Returns the text of these bytes.
   *
   * @returns `undefined` if they are not ASCII, or too many
   */
  textOf(bytes: Buffer, at: number, length: number): string | undefined {
    if (length > MOST_LENGTH) return undefined
    const end = at + length
    let hash = length
    let all = 0
    for (let i = at; i < end; i++) {
      const byte = bytes[i]!
      all |= byte
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    if (all > 127) return undefined
    const place = (hash ^ (hash >>> 8)) & (CAPACITY - 1)
    const known = this.#keys[place]!
    if (isEqual(known, bytes, at, length)) return known
    return (this.#keys[place] = bytes.toString('latin1', at, end))
  }
}

function isEqual(text: string, bytes: Buffer, at: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[at + i]) return false
  return true
}
