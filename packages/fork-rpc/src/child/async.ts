import type { Descriptor } from '@anyfork/fdpass'
import { Flag, Kind } from '../frame.js'
import { Transport } from '../transport.js'
import { CancellableCall } from './call-signal.js'
import { endIfCallerGone, isThenable, prepare, type Service, type Setting } from './service.js'

/** More than this many bytes of answers, and no more calls are begun until the caller has read some. */
const HIGH_WATER_BYTES = 1 << 20

/**
 * Serves calls as they come, as many at a time as there are; results go out in any
 * order, those of one turn of the event loop together.
 *
 * @param socket - becomes non-blocking
 * @param args - those of `init`, then the setting
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  await new Connection().serve(socket, args)
}

class Connection {
  readonly #transport = new Transport({
    onFrames: () => this.#onFrames(),
    onEnd: () => this.#end(),
    onWritten: () => this.#onWritten(),
    onBroken: endIfCallerGone,
  })
  /** Running calls that may be given up. */
  readonly #cancellable = new Map<number, CancellableCall>()
  readonly #cancelled = new Set<number>()
  #service: Service | undefined
  #running = 0
  #hasEnded = false
  #isFinished = false

  async serve(socket: Descriptor, args: unknown[]): Promise<void> {
    this.#transport.setReading(false)
    this.#transport.open(socket)
    this.#service = await prepare(this.#transport.queue, args, {
      onQueued: () => this.#transport.flushSoon(),
      writeAll: () => this.#transport.flushAll(),
    })
    this.#transport.setReading(true)
  }

  #onFrames(): void {
    const { parser } = this.#transport
    // What was cancelled before it began is not begun.
    parser.scan((kind, id) => {
      if (kind === Kind.cancel && !this.#cancellable.has(id)) this.#cancelled.add(id)
    })
    while (!this.#hasEnded && parser.next()) {
      switch (parser.kind) {
        case Kind.call:
          void this.#call(parser.id)
          break
        case Kind.cancel:
          this.#cancelled.delete(parser.id)
          this.#cancellable.get(parser.id)?.cancel()
          break
        case Kind.name:
          this.#service!.name(parser.number, parser.takePayload().toString())
          break
        case Kind.end:
          this.#end()
      }
    }
  }

  async #call(id: number): Promise<void> {
    const { functions, outlet } = this.#service!
    if (this.#cancelled.size && this.#cancelled.delete(id)) return outlet.dropped(id)
    const { parser } = this.#transport
    const isCancellable = (parser.flags & Flag.cancellable) !== 0
    this.#running++
    try {
      const args = outlet.messages.read(parser)
      const found = functions[parser.number]!
      const served = typeof found === 'function' ? found : await found
      const result = isCancellable ? this.#cancellableCall(id).run(() => served(...args)) : served(...args)
      outlet.result(id, isThenable(result) ? await result : result)
    } catch (error) {
      outlet.error(id, error)
    }
    if (isCancellable) this.#cancellable.delete(id)
    this.#running--
    this.#onWritten()
  }

  #cancellableCall(id: number): CancellableCall {
    const call = new CancellableCall()
    this.#cancellable.set(id, call)
    return call
  }

  /** No more calls will come. */
  #end(): void {
    this.#hasEnded = true
    this.#onWritten()
  }

  #onWritten(): void {
    if (!this.#service) return // calls wait until it is prepared
    const { queue } = this.#transport
    this.#transport.setReading(!this.#hasEnded && queue.length <= HIGH_WATER_BYTES)
    if (!this.#hasEnded || this.#running || queue.length || this.#isFinished) return
    this.#isFinished = true
    this.#service.finish()
  }
}
