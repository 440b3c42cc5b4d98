import { TAKEN_BYTES, WINDOW_BYTES } from './remote-frames.js'

/** Takes part in a window: a piece of it is acknowledged at a time. */
const ACKNOWLEDGED_BYTES = WINDOW_BYTES / 8

/** How many bytes may be sent before the other side has taken some. */
export class SendWindow {
  #room = WINDOW_BYTES

  get room(): number {
    return this.#room
  }

  sent(bytes: number): void {
    this.#room -= bytes
  }

  /**
   * @param payload - of a frame `taken`
   * @throws TypeError if the other side has taken more than it was sent
   */
  onTaken(payload: Buffer): void {
    const bytes = payload.length === TAKEN_BYTES ? payload.readUInt32LE(0) : Infinity
    if (bytes > WINDOW_BYTES - this.#room) throw new TypeError('it has taken more bytes of the socket than it was sent')
    this.#room += bytes
  }
}

/** How many bytes the other side may send. */
export class ReceiveWindow {
  #room = WINDOW_BYTES
  #taken = 0

  /** @throws TypeError if the other side has sent more than it may */
  received(bytes: number): void {
    this.#room -= bytes
    if (this.#room < 0) throw new TypeError('it has sent more bytes of the socket than it may')
  }

  /** Returns the payload of a frame `taken`, if one is due. */
  taken(bytes: number): Buffer | undefined {
    this.#taken += bytes
    if (this.#taken < ACKNOWLEDGED_BYTES) return undefined
    const payload = Buffer.alloc(TAKEN_BYTES)
    payload.writeUInt32LE(this.#taken)
    this.#room += this.#taken
    this.#taken = 0
    return payload
  }
}
