import { FRAME_BYTES, TAKEN_BYTES, WINDOW_BYTES } from './remote-frames.js'

/** Takes part in a window: a piece of it is acknowledged at a time. */
const ACKNOWLEDGED_BYTES = WINDOW_BYTES / 8

/** How much may be sent before the other side has taken some. */
export class SendWindow {
  #room = WINDOW_BYTES

  /** The most bytes that the next frame may have. */
  get room(): number {
    return Math.max(0, this.#room - FRAME_BYTES)
  }

  /** @param bytes - the payload of a frame */
  sent(bytes: number): void {
    this.#room -= bytes + FRAME_BYTES
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

/** How much the other side may send. */
export class ReceiveWindow {
  #room = WINDOW_BYTES
  #taken = 0

  /**
   * @param bytes - the payload of a frame
   * @throws TypeError if the other side has sent more than it may
   */
  received(bytes: number): void {
    if (bytes === 0) throw new TypeError('it has sent a frame without bytes of the socket')
    this.#room -= bytes + FRAME_BYTES
    if (this.#room < 0) throw new TypeError('it has sent more bytes of the socket than it may')
  }

  /**
   * Call this when bytes of a frame have been taken.
   *
   * @param isWhole - whether they were the last ones of it
   * @returns the payload of a frame `taken`, if one is due
   */
  taken(bytes: number, isWhole = true): Buffer | undefined {
    this.#taken += bytes + (isWhole ? FRAME_BYTES : 0)
    if (this.#taken < ACKNOWLEDGED_BYTES) return undefined
    const payload = Buffer.alloc(TAKEN_BYTES)
    payload.writeUInt32LE(this.#taken)
    this.#room += this.#taken
    this.#taken = 0
    return payload
  }
}
