/** The commands. Those up to `reopen` have the numbers that they have in nginx. */
export const commands = {
  /** Takes the channel of another worker: its pid and slot, with a descriptor. */
  openChannel: 1,
  /** Forgets the channel of a worker that has ended. */
  closeChannel: 2,
  /** Ends when all messages are sent. */
  quit: 3,
  /** Ends at once. */
  terminate: 4,
  /** Opens the log file again. */
  reopen: 5,
  /** From worker to worker: number `number` of the greetings. */
  greeting: 6,
  /** From worker to worker: all greetings have arrived. */
  welcome: 7,
  /** To the master: the worker in slot `slot` has got the welcome of the worker `pid`, after `number` waits for room. */
  reached: 8,
} as const

/** What travels over a channel, as ngx_channel_t in nginx. */
export interface Message {
  command: number
  pid: number
  slot: number
  number: number
}

/** The size of each message in bytes: four integers of 32 bits. */
export const MESSAGE_BYTES = 16

/** A message holds only what its command needs. */
export function encode({ command, pid = 0, slot = 0, number = 0 }: Partial<Message>): Uint8Array {
  return new Uint8Array(Int32Array.of(command!, pid, slot, number).buffer)
}

/** @throws Error if the bytes are not a message */
export function decode(bytes: Uint8Array, length: number): Message {
  if (length !== MESSAGE_BYTES) throw new Error(`a message has ${MESSAGE_BYTES} bytes, not ${length}`)
  const [command, pid, slot, number] = new Int32Array(bytes.slice(0, length).buffer) as unknown as [
    number,
    number,
    number,
    number,
  ]
  return { command, pid, slot, number }
}
