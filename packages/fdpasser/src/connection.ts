import type { Descriptor } from '@anyfork/fdpass'
import * as fdpass from '@anyfork/fdpass'
import { signalOf, type WaitOptions } from './options.js'

/** How long to wait for a place in the queue of a listener, in milliseconds. */
const RETRY_MS = 20

/** Two connected stream sockets, as fdpasser_socketpair. The caller owns both. */
export function socketpair(): [Descriptor, Descriptor] {
  return fdpass.socketpair()
}

/**
 * Makes a socket that listens at a path, as fdpasser_server. A socket that was left
 * behind there is removed; unlike there, one that somebody still has is not.
 *
 * @param backlog - how many connections may wait
 * @returns the listener; the caller owns it, and the file
 * @throws TypeError, RangeError for a backlog that makes no sense; `EADDRINUSE` where somebody listens, or a file of another kind is; `ENAMETOOLONG`
 */
export function server(path: string, backlog = 10): Descriptor {
  return fdpass.listen(path, { backlog })
}

/**
 * Waits for a connection, as fdpasser_accept but without blocking.
 *
 * @param listener - borrowed; one call at a time
 * @param options.signal - ends the waiting
 * @returns resolves with the connection, which the caller owns
 * @throws rejects with a TypeError for options that make no sense; with `EBADF` when the listener is closed meanwhile, `EINVAL` where it does not listen
 */
export async function accept(listener: Descriptor, options: WaitOptions = {}): Promise<Descriptor> {
  const signal = signalOf(options, 'accept()')
  signal?.throwIfAborted()
  if (!fdpass.socketKind(listener).isListening) return fdpass.accept(listener) // at once: the kernel says what is wrong
  for (;;) {
    await readable(listener, signal)
    try {
      return fdpass.accept(listener)
    } catch (error) {
      // Somebody else, in another process, was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

/**
 * Connects to a listener, as fdpasser_connect but without blocking: waits for a place
 * in its queue.
 *
 * @param options.signal - ends the waiting
 * @returns resolves with the connection, which the caller owns
 * @throws rejects with a TypeError for options that make no sense; with `ENOENT`, `ECONNREFUSED` and the like
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

/** Resolves when there is something to accept, or the listener was closed. */
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
