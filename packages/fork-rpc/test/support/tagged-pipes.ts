import { type Descriptor, pipe, read, write } from '@anyfork/fdpass'
import { fd } from '@anyfork/fork-rpc'

/** A pipe with text in it: its end to read from. */
export function tagged(text: string): Descriptor {
  const [readEnd, writeEnd] = pipe()
  write(writeEnd, Buffer.from(text))
  writeEnd.close()
  return readEnd
}

/** The same, to be passed. */
export function pass(text: string): ReturnType<typeof fd> {
  const descriptor = tagged(text)
  try {
    return fd(descriptor)
  } finally {
    descriptor.close()
  }
}

/** Reads the text, and closes. */
export function textOf(descriptor: Descriptor): string {
  const buffer = Buffer.alloc(100)
  const text = buffer.toString('utf8', 0, read(descriptor, buffer))
  descriptor.close()
  return text
}
