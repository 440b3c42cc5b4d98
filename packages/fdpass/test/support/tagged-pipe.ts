import { type Descriptor, pipe, read, write } from '@anyfork/fdpass'

/** The reading end of a pipe that holds a text and then ends. */
export function taggedPipe(tag: string): Descriptor {
  const [readEnd, writeEnd] = pipe()
  write(writeEnd, Buffer.from(tag))
  writeEnd.close()
  return readEnd
}

/** The text in such a pipe, which is closed. */
export function tagOf(readEnd: Descriptor): string {
  const buffer = Buffer.alloc(1024)
  const tag = buffer.toString('utf8', 0, read(readEnd, buffer))
  readEnd.close()
  return tag
}
