import { constants } from 'node:os'
import { type Handle, MAX_DESCRIPTORS, sendMany } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import Denque from 'denque'
import { closeHandle, closeSent } from './ownership.js'

/** How long to wait where nothing tells when there will be room again, in milliseconds. */
const RETRY_MS = 50
const EBADF = -constants.errno.EBADF

/** What to send, and whom to tell. */
export interface Sending {
  handle: Handle
  /** It stays its owner's; else it is closed once sent or refused. */
  keep: boolean
  settle(error?: Error): void
}

/** Who looks after the socket. */
export interface OutgoingListener {
  /** The queue has become shorter, or what it waits for has changed. */
  onChange(): void
  /** Nobody will read any more. */
  onBroken(error: Error): void
}

/** Descriptors on their way out, first in, first out. */
export class Outgoing {
  readonly #socket: Handle
  readonly #batch: number
  readonly #dontWait: boolean
  readonly #listener: OutgoingListener
  readonly #queue = new Denque<Sending>()
  #retry: NodeJS.Timeout | undefined
  #isFull = false
  #isScheduled = false
  /** After something was refused, so many go one by one, to find out which it was. */
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

  /** Whether it waits for the socket to have room. */
  get waitsForRoom(): boolean {
    return this.#isFull
  }

  /** Descriptors pushed in a row leave together, in as many messages as the batch demands. */
  push(sending: Sending): void {
    this.#queue.push(sending)
    if (this.#isFull || this.#retry || this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.flush()
    })
  }

  /** Sends as much as the kernel takes. */
  flush(): void {
    this.#isFull = false
    if (this.#retry) return
    while (this.#queue.length) {
      const count = this.#oneByOne ? 1 : Math.min(MAX_DESCRIPTORS, this.#queue.length)
      const handles: Handle[] = []
      for (let i = 0; i < count; i++) handles.push(this.#queue.peekAt(i)!.handle)
      let sent = 1
      let refusal: Error | undefined
      try {
        sent = sendMany(this.#socket, handles, { batch: Math.min(this.#batch, count), dontWait: this.#dontWait })
      } catch (error) {
        if (!this.#isRefusal(error as NodeJS.ErrnoException)) break
        if (count > 1) {
          this.#oneByOne = count
          continue
        }
        // It had a descriptor when it was pushed.
        refusal = error instanceof TypeError ? systemError(EBADF, 'sendmsg') : (error as Error)
      }
      if (this.#oneByOne) this.#oneByOne--
      // Closing them may end the passer, and empty the queue.
      const done: Sending[] = []
      for (let i = 0; i < sent; i++) done.push(this.#queue.shift()!)
      for (const sending of done) finish(sending, refusal)
    }
    this.#listener.onChange()
  }

  /** Sends nothing more: closes what is left and tells why. */
  end(reason: Error): void {
    clearTimeout(this.#retry)
    while (this.#queue.length) finish(this.#queue.shift()!, reason)
  }

  /** Whether an error is about the descriptors of this message; others are about the socket, and are seen to here. */
  #isRefusal(error: NodeJS.ErrnoException): boolean {
    switch (error.code) {
      case 'EAGAIN':
        this.#isFull = true
        return false
      case 'ETOOMANYREFS': // the socket counts as writable all the same: only time helps
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
        return true // closed meanwhile, or of a kind that the kernel does not pass
    }
  }
}

function finish({ handle, keep, settle }: Sending, error: Error | undefined): void {
  // A number that is not open is nobody's to close: it may mean another file by now.
  const isAnothers = typeof handle === 'number' && (error as NodeJS.ErrnoException | undefined)?.code === 'EBADF'
  if (!keep && !isAnothers) (error ? closeHandle : closeSent)(handle)
  settle(error)
}
