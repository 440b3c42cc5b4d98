import { constants } from 'node:os'
import { type Handle, MAX_DESCRIPTORS, sendMany } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import Denque from 'denque'
import { closeHandle, closeSent } from './ownership.js'

/** How long to wait before another attempt when no event announces room, in milliseconds. */
const RETRY_MS = 50
const EBADF = -constants.errno.EBADF

/** A queued descriptor. */
export interface Sending {
  handle: Handle
  /** Whether the caller keeps the handle. Otherwise it is closed when it has been sent or rejected. */
  keep: boolean
  /** Settles the caller's promise. */
  settle(error?: Error): void
}

/** The passer, as the outgoing queue sees it. */
export interface OutgoingListener {
  /** The queue is shorter, or `waitsForRoom` has changed. */
  onChange(): void
  /** The peer no longer reads. */
  onBroken(error: Error): void
}

/** The queue of descriptors to send: first in, first out. */
export class Outgoing {
  readonly #socket: Handle
  readonly #batch: number
  readonly #dontWait: boolean
  readonly #listener: OutgoingListener
  readonly #queue = new Denque<Sending>()
  #retry: NodeJS.Timeout | undefined
  #isFull = false
  #isScheduled = false
  /** How many descriptors to send one by one, to find the one for which the kernel rejected a batch. */
  #oneByOne = 0

  constructor(socket: Handle, batch: number, dontWait: boolean, listener: OutgoingListener) {
    this.#socket = socket
    this.#batch = batch
    this.#dontWait = dontWait
    this.#listener = listener
  }

  get length(): number {
    return this.#queue.length
  }

  /** Reports whether the queue waits until the socket has room. */
  get waitsForRoom(): boolean {
    return this.#isFull
  }

  /** Adds a descriptor. Descriptors that are pushed in one turn are sent together, in a microtask. */
  push(sending: Sending): void {
    this.#queue.push(sending)
    if (this.#isFull || this.#retry || this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.flush()
    })
  }

  /** Sends descriptors until the queue is empty or the socket accepts no more. */
  flush(): void {
    this.#isFull = false
    if (this.#retry) return
    while (this.#queue.length) {
      const count = this.#oneByOne ? 1 : Math.min(MAX_DESCRIPTORS, this.#queue.length)
      const handles: Handle[] = []
      for (let i = 0; i < count; i++) handles.push(this.#queue.peekAt(i)!.handle)
      let sent = 1
      let rejection: Error | undefined
      try {
        sent = sendMany(this.#socket, handles, { batch: Math.min(this.#batch, count), dontWait: this.#dontWait })
      } catch (error) {
        if (!this.#handleError(error as NodeJS.ErrnoException)) break
        if (count > 1) {
          this.#oneByOne = count
          continue
        }
        // The handle had a descriptor when it was pushed; it was closed since.
        rejection = error instanceof TypeError ? systemError(EBADF, 'sendmsg') : (error as Error)
      }
      if (this.#oneByOne) this.#oneByOne--
      // Closing a handle may end the passer, which empties the queue: so remove the sent ones first.
      const done: Sending[] = []
      for (let i = 0; i < sent; i++) done.push(this.#queue.shift()!)
      for (const sending of done) finish(sending, rejection)
    }
    this.#listener.onChange()
  }

  /** Stops sending. Closes the queued handles and rejects their promises with a reason. */
  end(reason: Error): void {
    clearTimeout(this.#retry)
    while (this.#queue.length) finish(this.#queue.shift()!, reason)
  }

  /** Handles an error of the socket. Returns true if the error concerns a descriptor instead. */
  #handleError(error: NodeJS.ErrnoException): boolean {
    switch (error.code) {
      case 'EAGAIN':
        this.#isFull = true
        return false
      case 'ETOOMANYREFS': // the socket still counts as writable, so no event announces room
      case 'ENOBUFS':
      case 'ENOMEM':
        this.#retry = setTimeout(() => {
          this.#retry = undefined
          this.flush()
        }, RETRY_MS)
        return false
      case 'EPIPE':
      case 'ECONNRESET':
        this.end(error)
        this.#listener.onBroken(error)
        return false
      default:
        return true // the descriptor was closed since, or the kernel does not pass its kind
    }
  }
}

function finish({ handle, keep, settle }: Sending, error: Error | undefined): void {
  // Do not close a number that was not open: by now it may belong to another file.
  const isAnothers = typeof handle === 'number' && (error as NodeJS.ErrnoException | undefined)?.code === 'EBADF'
  if (!keep && !isAnothers) (error ? closeHandle : closeSent)(handle)
  settle(error)
}
