import { type Descriptor, splice, watch } from '@anyfork/fdpass'

process.on('SIGINT', () => {}) // Ctrl-C reaches all processes: the owner decides when this one ends

/**
 * Sends back what the client of a connection sends, until the client has shut down its end.
 *
 * The bytes travel from the socket through the pipe to the socket, within the kernel. This process never holds any. So
 * it may be killed at any moment: another worker, which gets the same descriptors, goes on with the next byte.
 *
 * @param descriptors - the connection, and both ends of its pipe, which may hold bytes. This process owns them
 */
export async function echo(
  ...descriptors: [connection: Descriptor, reader: Descriptor, writer: Descriptor]
): Promise<void> {
  try {
    await relay(...descriptors)
  } catch (error) {
    if (!CLIENT_IS_GONE.includes(codeOf(error))) throw error
  } finally {
    for (const descriptor of descriptors) descriptor.close()
  }
}

const CLIENT_IS_GONE = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']

function relay(connection: Descriptor, reader: Descriptor, writer: Descriptor): Promise<void> {
  return new Promise((resolve, reject) => {
    const onReady = ({ writable }: { writable: boolean }): void => {
      if (writable) {
        // There is room: if nothing moves, the pipe is empty.
        if (move(reader, connection) === undefined) watching.change({ readable: true })
        return
      }
      const bytes = move(connection, writer)
      if (bytes === 0) resolve()
      else if (bytes !== undefined && move(reader, connection) !== bytes) watching.change({ writable: true })
    }
    // First what an earlier worker has left in the pipe, then what the client sends.
    const watching = watch(connection, { writable: true }, ready => {
      try {
        onReady(ready)
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** Moves bytes. Returns their number, or `undefined` if there is nothing to move, or no room. */
function move(from: Descriptor, to: Descriptor): number | undefined {
  try {
    return splice(from, to)
  } catch (error) {
    if (codeOf(error) !== 'EAGAIN') throw error
    return undefined
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
