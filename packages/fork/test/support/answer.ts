import { text } from 'node:stream/consumers'
import type { Descriptor } from '@anyfork/fdpass'

/** Reads what a process writes to its socket until it closes it, and parses it as JSON. */
export async function answer<T>(socket: Descriptor): Promise<T> {
  return JSON.parse(await text(socket.toSocket())) as T
}
