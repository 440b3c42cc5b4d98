/** How many bytes of memory V8 needs to parse a character of a regular expression. */
export const REG_EXP_CHARACTER = 80

const BACKSLASH = 0x5c
const BRACE = 0x7b
/** The initials of the properties of strings: `Basic_Emoji`, `Emoji_Keycap_Sequence`, and `RGI_Emoji`. */
const ofStrings: ReadonlySet<number> = new Set([...'BER'].map(initial => initial.charCodeAt(0)))
/** The memory of a property, in bytes. It takes time in proportion. */
const PROPERTY = 1 << 14
const PROPERTY_OF_STRINGS = 1 << 20

/**
 * Counts the properties in the source of a regular expression, such as `\p{L}`: V8 replaces each by a list of
 * characters, or of strings.
 *
 * @param length - how many characters it has, in ASCII or UTF-16
 * @param unit - how many bytes each one has
 * @returns the memory of these lists, in bytes
 */
export function memoryOfProperties(bytes: Uint8Array, at: number, length: number, unit = 1): number {
  let memory = 0
  for (let i = at; i < at + length * unit; i += unit) {
    if (bytes[i] !== BACKSLASH) continue
    i += unit // what is escaped, which may be another backslash
    if ((bytes[i]! | 32) !== 0x70 || bytes[i + unit] !== BRACE) continue // not p or P
    memory += ofStrings.has(bytes[i + 2 * unit]!) ? PROPERTY_OF_STRINGS : PROPERTY
  }
  return memory
}
