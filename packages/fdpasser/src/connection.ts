import type { Descriptor } from '@anyfork/fdpass'
import * as fdpass from '@anyfork/fdpass'
import { signalOf, type WaitOptions } from './options.js'

/** How long to wait between two attempts when a listener's queue is full, in milliseconds. */
const RETRY_MS = 20

/**
 * Creates two connected AF_UNIX stream sockets. Follows fdpasser_socketpair.
 *
 * @returns both sockets; the caller owns them
 * @throws SystemError `EMFILE` or `ENFILE` if the descriptor table is full
 */
export function socketpair(): [Descriptor, Descriptor] {
  return fdpass.socketpair()
}

/**
 * Creates an AF_UNIX stream socket that listens at a path. Follows fdpasser_server, but removes only a dead socket file
 * at that path; fdpasser_server also removes one that another process still uses.
 *
 * @param path - the path or, on Linux, an abstract name that begins with `\0`
 * @param backlog - the number of connections that can wait to be accepted, from 0
 * @returns the listener; the caller owns it and the socket file
 * @throws TypeError if an argument is invalid
 * @throws SystemError `EADDRINUSE` if another process still has the socket at the path, or another kind of file is
 *   there; `ENAMETOOLONG` if the path is longer than about 100 bytes
 */
export function server(path: string, backlog = 10): Descriptor {
  return fdpass.listen(path, { backlog })
}

/**
 * Waits for a connection without blocking. Follows fdpasser_accept, which blocks.
 *
 * @param listener - borrowed; must not be in use by another `accept` call
 * @param options - see `WaitOptions`
 * @returns resolves with the connection, which the caller owns
 * @throws rejects with a TypeError if an option is invalid
 * @throws rejects with the reason of the signal if it aborts
 * @throws rejects with a SystemError: `EBADF` if the listener is closed, also while waiting; `EINVAL` if the socket
 *   does not listen; `ENOTSOCK` if the handle is not a socket; `EMFILE` or `ENFILE` if the descriptor table is full, in
 *   which case the connection stays queued
 */
export async function accept(listener: Descriptor, options: WaitOptions = {}): Promise<Descriptor> {
  const signal = signalOf(options, 'accept()')
  signal?.throwIfAborted()
  if (!fdpass.socketKind(listener).isListening) return fdpass.accept(listener) // throws the kernel's reason
  for (;;) {
    await readable(listener, signal)
    try {
      return fdpass.accept(listener)
    } catch (error) {
      // Another process that shares the listener was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

/**
 * Connects to a listener. If the listener's queue is full, waits for a place without blocking. Follows
 * fdpasser_connect, which blocks.
 *
 * @param path - the path or abstract name of the listener, see `server`
 * @param options - see `WaitOptions`
 * @returns resolves with the connection, which the caller owns
 * @throws rejects with a TypeError if an argument or option is invalid
 * @throws rejects with the reason of the signal if it aborts
 * @throws rejects with a SystemError: `ENOENT` if the path does not exist; `ECONNREFUSED` if no process listens;
 *   `EACCES`
 */
export async function connect(path: string, options: WaitOptions = {}): Promise<Descriptor> {
  const signal = signalOf(options, 'connect()')
  for (;;) {
    signal?.throwIfAborted()
    try {
      return fdpass.connect(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    await new Promise(resolve => setTimeout(resolve, RETRY_MS))
  }
}

/** Resolves when a connection waits or the listener was closed. */
function readable(listener: Descriptor, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      watch.close()
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = (): void => {
      stop()
      reject(signal!.reason as Error)
    }
    const onReady = (): void => {
      stop()
      resolve()
    }
    const watch = fdpass.watch(listener, { readable: true }, onReady, { onClose: onReady })
    signal?.addEventListener('abort', onAbort)
  })
}
