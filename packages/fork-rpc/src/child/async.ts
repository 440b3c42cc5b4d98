import { read, setNonblocking, watch, type Descriptor } from '@anyfork/fdpass'
import { FrameParser, Kind } from '../frame.js'
import { endIfCallerGone, finish, isThenable, prepare, type Service, type Setting } from './service.js'

/**
 * Serves calls as they come, as many at a time as there are; results go out in any
 * order, those of one turn of the event loop together.
 *
 * @param socket - becomes non-blocking
 * @param args - those of `init`, then the setting
 */
export async function serve(socket: Descriptor, ...args: [...unknown[], Setting]): Promise<void> {
  setNonblocking(socket, true)
  let connection: Connection | undefined
  const service = await prepare(socket, args, () => connection?.writeSoon())
  connection = new Connection(socket, service)
  connection.writeSoon()
}

class Connection {
  readonly #socket: Descriptor
  readonly #service: Service
  readonly #parser = new FrameParser()
  readonly #watch
  #running = 0
  #hasEnded = false
  #isFinished = false
  #isFull = false
  #isScheduled = false

  constructor(socket: Descriptor, service: Service) {
    this.#socket = socket
    this.#service = service
    this.#watch = watch(socket, { readable: true }, ready => {
      if (ready.writable) this.#write()
      if (ready.readable && !this.#hasEnded) this.#read()
    })
  }

  writeSoon(): void {
    if (this.#isScheduled || this.#isFull) return
    this.#isScheduled = true
    process.nextTick(() => {
      this.#isScheduled = false
      this.#write()
    })
  }

  #write(): void {
    let isFull = false
    try {
      isFull = !this.#service.outlet.writeSome()
    } catch (error) {
      endIfCallerGone(error)
      throw error
    }
    if (isFull !== this.#isFull) {
      this.#isFull = isFull
      this.#wait()
    }
    this.#finishIfDone()
  }

  #read(): void {
    try {
      const count = read(this.#socket, this.#parser.room())
      if (count === 0) return this.#end()
      this.#parser.filled(count)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return
      return this.#end()
    }
    while (!this.#hasEnded && this.#parser.next()) {
      const { kind, id, payload } = this.#parser
      if (kind === Kind.end) this.#end()
      else void this.#call(id, payload)
    }
  }

  async #call(id: number, payload: Buffer): Promise<void> {
    const { call, serialiser, outlet } = this.#service
    this.#running++
    try {
      const result = call(...serialiser.decode(payload))
      outlet.result(id, isThenable(result) ? await result : result)
    } catch (error) {
      outlet.error(id, error)
    }
    this.#running--
    this.#finishIfDone()
  }

  /** No more calls will come. */
  #end(): void {
    this.#hasEnded = true
    this.#wait()
    this.#finishIfDone()
  }

  #wait(): void {
    this.#watch.change({ readable: !this.#hasEnded, writable: this.#isFull })
  }

  #finishIfDone(): void {
    if (!this.#hasEnded || this.#running || this.#service.outlet.waiting || this.#isFinished) return
    this.#isFinished = true
    this.#watch.close()
    finish(this.#service)
  }
}
