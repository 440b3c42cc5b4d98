/** Up to this many bytes, a loop copies faster than a call of memcpy. */
const COPIED_BY_LOOP = 64

/** Copies the bytes from `start` to `end` to position `at` of another buffer. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > COPIED_BY_LOOP) from.copy(to, at, start, end)
  else for (let i = start; i < end; i++) to[at++] = from[i]!
}
