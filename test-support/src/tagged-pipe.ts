import { type Descriptor, pipe, read, write } from '@anyfork/fdpass'

/**
 * Makes a pipe that can be recognised after it was passed.
 *
 * @param tag - at most 1024 bytes of UTF-8
 * @returns the reading end, which yields the tag and then ends; the caller closes it
 */
export function taggedPipe(tag: string): Descriptor {
  const [readEnd, writeEnd] = pipe()
  write(writeEnd, Buffer.from(tag))
  writeEnd.close()
  return readEnd
}

/** Reads the tag of a tagged pipe, and closes its reading end. */
export function tagOf(readEnd: Descriptor): string {
  const buffer = Buffer.alloc(1024)
  const tag = buffer.toString('utf8', 0, read(readEnd, buffer))
  readEnd.close()
  return tag
}
