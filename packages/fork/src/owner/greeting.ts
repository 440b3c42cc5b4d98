import { type Descriptor, StreamReceiver, type Watch, watch } from '@anyfork/fdpass'

/** The most bytes that may come before the greeting: what a login shell prints. */
const MOST_BYTES = 1 << 20

/** What the one who waits for a greeting is told. One of the methods is called, once. */
export interface GreetingListener {
  onGreeted(): void
  /** The stream has ended before. */
  onEnd(): void
  /** Something else came. */
  onInvalid(cause: Error): void
}

/** Waits until a remote process has greeted. Drops what comes before. */
export class Greeting {
  readonly #expected: Buffer
  readonly #receiver: StreamReceiver
  readonly #watch: Watch
  readonly #listener: GreetingListener
  readonly #chunk = Buffer.allocUnsafe(4096)
  #rest = Buffer.alloc(0)
  #count = 0

  /** @param socket - non-blocking; borrowed until one of the methods of the listener or `cancel` is called */
  constructor(socket: Descriptor, expected: string, listener: GreetingListener) {
    this.#expected = Buffer.from(expected)
    this.#listener = listener
    this.#receiver = new StreamReceiver(socket)
    this.#watch = watch(socket, { readable: true }, () => this.#receive())
    this.#watch.unref()
  }

  ref(on: boolean): void {
    if (on) this.#watch.ref()
    else this.#watch.unref()
  }

  cancel(): void {
    this.#watch.close()
  }

  #receive(): void {
    let count: number
    try {
      count = this.#receiver.receive(this.#chunk)
    } catch {
      count = 0 // ECONNRESET: the command has ended without reading
    }
    if (count < 0) return
    if (count === 0) {
      this.cancel()
      return this.#listener.onEnd()
    }
    this.#count += count
    const bytes = Buffer.concat([this.#rest, this.#chunk.subarray(0, count)])
    const at = bytes.indexOf(this.#expected)
    if (at < 0 && this.#count <= MOST_BYTES) {
      this.#rest = bytes.subarray(-this.#expected.length)
      return
    }
    this.cancel()
    if (at >= 0 && at + this.#expected.length === bytes.length) this.#listener.onGreeted()
    else this.#listener.onInvalid(new TypeError(at < 0 ? 'it has not greeted' : 'it has sent bytes before its program'))
  }
}
