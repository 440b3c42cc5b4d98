/** A value that workers send: its number, from 0, and a text. */
export type Value = [index: number, text: string]

/** Yields values. */
export function* values(count: number, characters: number): Generator<Value> {
  const text = 'x'.repeat(characters)
  for (let index = 0; index < count; index++) yield [index, text]
}
