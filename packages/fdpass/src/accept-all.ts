import { setTimeout as delay } from 'node:timers/promises'
import { anInteger, checkArgument, checkOptions, type Expectation } from './check-options.js'
import { accept } from './connection.js'
import { checkRoom, Descriptor, setNonblocking } from './descriptor.js'
import { isListening } from './socket-kind.js'
import { watch } from './watch.js'

/** Options of `acceptAll`. */
export interface AcceptAllOptions {
  /**
   * How many slots of the descriptor table must be free beside that of the connection. The program needs them to serve
   * connections: to start processes, to duplicate descriptors, to open files.
   *
   * @default 16
   */
  reserve?: number
}

const DEFAULT_RESERVE = 16
const acceptAllOptions = { reserve: anInteger(0, 0xffff) }
const aListener: Expectation = { test: value => value instanceof Descriptor, text: 'a Descriptor' }

/** How long to wait until the table may have room again, or the system may let this process accept, in milliseconds. */
const RETRY_MS = 20
/** So many connections may be accepted, or fail one after the other, before the event loop gets its turn. */
const BURST = 16
/** There is no room for another connection, which stays in the listener's queue. */
const NO_ROOM = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']
/** The connection has failed before it was accepted, see accept(2). A filter of system calls may also refuse each one. */
const FAILED = [
  ...['ECONNABORTED', 'EPERM', 'EPROTO', 'ENOPROTOOPT', 'EOPNOTSUPP'],
  ...['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENONET'],
]

/**
 * Accepts the connections of a listening socket one after the other, without ever dropping one: while the descriptor
 * table has no room, connections wait in the queue of the kernel. (A `net.Server` accepts and closes them then.)
 *
 * It accepts a connection only when the loop asks for the next one. So a loop that awaits something makes clients wait
 * instead of filling the table. The iteration ends when the listener is closed; it can be started again after `break`.
 *
 * @param listener - becomes non-blocking; borrowed. Closing it resets the connections that wait in its queue, unless
 *   another process shares it
 * @returns yields blocking sockets, which the caller owns
 * @throws TypeError if an argument or option is invalid, or the socket does not listen
 * @throws rejects with a SystemError: `EINVAL` if another process has shut the listener down; `EEXIST` if another loop of
 *   this thread waits for its connections
 */
export function acceptAll(
  listener: Descriptor,
  options: AcceptAllOptions = {},
): AsyncGenerator<Descriptor, void, undefined> {
  checkOptions('acceptAll()', options, acceptAllOptions)
  checkArgument('the listener of acceptAll()', listener, aListener)
  if (!isListening(listener.fd)) throw new TypeError('the listener of acceptAll() must be a listening socket')
  return connectionsOf(listener, options.reserve ?? DEFAULT_RESERVE)
}

async function* connectionsOf(listener: Descriptor, reserve: number): AsyncGenerator<Descriptor, void, undefined> {
  if (listener.isOpen) setNonblocking(listener, true)
  let [accepted, failed] = [0, 0]
  while (listener.isOpen) {
    let connection: Descriptor
    try {
      checkRoom(reserve + 1)
      connection = accept(listener)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code!
      if (code === 'EAGAIN') await readable(listener)
      else if (NO_ROOM.includes(code)) await delay(RETRY_MS)
      else if (!FAILED.includes(code)) throw error
      else if (++failed % BURST === 0) await delay(RETRY_MS)
      continue
    }
    failed = 0
    if (++accepted % BURST === 0) await new Promise(resolve => setImmediate(resolve))
    yield connection
  }
}

/** Resolves when a connection waits, or the listener was closed. */
function readable(listener: Descriptor): Promise<void> {
  return new Promise(resolve => {
    const watching = watch(
      listener,
      { readable: true },
      () => {
        watching.close()
        resolve()
      },
      { onClose: resolve },
    )
  })
}
