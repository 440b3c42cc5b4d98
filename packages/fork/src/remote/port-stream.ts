import { Duplex } from 'node:stream'
import type { Port, PortWatch } from './port.js'

/** The socket that the function of a user gets: a stream, since there is no descriptor. */
export class PortStream extends Duplex {
  readonly #port: Port
  readonly #watch: PortWatch
  #isReading = false
  #rest: { bytes: Buffer; done: (error?: Error | null) => void } | undefined

  constructor(port: Port) {
    super({ allowHalfOpen: true })
    this.#port = port
    port.isBlocking = false
    this.#watch = port.watch({}, ({ readable, writable }) => {
      if (writable) this.#writeRest()
      if (readable) this.#readAll()
    })
    this.#update()
  }

  /**
   * As `Descriptor.toSocket()`, for functions that also run in processes of the same machine. Like that socket, it then ends
   * when the other end has ended.
   */
  toSocket(): this {
    this.allowHalfOpen = false
    return this
  }

  override _read(): void {
    this.#isReading = true
    this.#update()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#rest = { bytes, done }
    this.#writeRest()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#port.endWriting()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#port.close()
    done(error)
  }

  #readAll(): void {
    while (this.#isReading) {
      const bytes = this.#port.take()
      if (bytes === undefined) break
      this.#isReading = bytes !== null && this.push(bytes)
      if (bytes === null) this.push(null)
    }
    this.#update()
  }

  #writeRest(): void {
    const { bytes, done } = this.#rest!
    this.#rest = undefined
    try {
      const written = this.#port.write(bytes)
      if (written === bytes.length) done()
      else this.#rest = { bytes: bytes.subarray(written), done }
    } catch (error) {
      done(error as Error)
    }
    this.#update()
  }

  #update(): void {
    this.#watch.change({ readable: this.#isReading, writable: this.#rest !== undefined })
  }
}
