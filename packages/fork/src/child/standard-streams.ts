import { constants, createReadStream, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'
import { type Readable, Writable } from 'node:stream'
import { isatty, ReadStream, WriteStream } from 'node:tty'
import { Descriptor, dup, dup2, setCloseOnExec, socketKind } from '@anyfork/fdpass'
import { getBaseline, type StreamName } from '../safety/baseline.js'
import { isOnItsWay, outputWritten } from '../safety/output.js'

/** The names of the standard streams, by number. */
const names = ['stdin', 'stdout', 'stderr'] as const

/** Parts of Node's streams that it does not document. */
interface Internals {
  _handle?: { close(): void; reading?: boolean; readStop?(): void } | null
  _destroy: (error: Error | null, callback: (error?: Error | null) => void) => void
}

/**
 * Gives this process other standard streams. Waits until text for the earlier ones has been written.
 *
 * `process.stdin`, `stdout`, and `stderr` become new streams if code has used the earlier ones, which Node keeps: the
 * files may be of another kind. What is written to an earlier stream, which code may have kept, goes to the new one.
 *
 * @param numbers - which streams
 * @param descriptors - their files; owned by this function
 * @throws `EBUSY` if code watches one of the streams in another way
 */
export async function redirect(numbers: readonly number[], descriptors: readonly Descriptor[]): Promise<void> {
  const used = numbers.filter(number => isUsed(names[number]!))
  const outputs = used.flatMap(number => (number === 0 ? [] : [names[number] as 'stdout' | 'stderr']))
  while (outputs.some(name => isOnItsWay(process[name]))) await outputWritten(outputs)
  for (const [i, file] of descriptors.map(aboveStandardStreams).entries()) {
    const number = numbers[i]!
    const renew = used.includes(number) ? release(names[number]!, number) : undefined
    dup2(file, number)
    file.close()
    renew?.()
  }
  for (const number of names.keys()) openIfClosed(number)
}

/** Returns whether code may have used a stream. */
function isUsed(name: StreamName): boolean {
  const { usedStreams, mayHaveUsedStreams } = getBaseline()
  return mayHaveUsedStreams || usedStreams.has(name)
}

/** Moves a descriptor to a number that no standard stream has. */
function aboveStandardStreams(file: Descriptor): Descriptor {
  if (file.fd >= names.length) return file
  const copy = aboveStandardStreams(dup(file))
  file.close()
  return copy
}

/**
 * Takes a stream out of the event loop. libuv leaves the descriptor open.
 *
 * @returns makes the new stream, once the descriptor has another file
 */
function release(name: StreamName, number: number): () => void {
  if (name === 'stdin') {
    const former = process.stdin as Readable & Internals
    if (!former._handle) former._destroy = (error, callback) => callback(error) // a file, which Node 26 would close later
    former.destroy()
    return () => show(name, makeInput(number))
  }
  const former = process[name] as Writable & Internals
  former._handle?.close()
  former._handle = null
  return () => {
    const stream = makeOutput(number, former)
    show(name, stream)
    forward(former, stream)
  }
}

type Done = (error?: Error | null) => void

/**
 * Lets an earlier stream write to a new one, at once, so that the order is kept. Errors are events of the stream that
 * was written to. `console` keeps a stream and relies on that.
 */
function forward(former: Writable, stream: Writable): void {
  const write = (bytes: unknown, encoding: BufferEncoding, done: Done): boolean =>
    stream.write(bytes, encoding, error => {
      if (error && !stream.listenerCount('error')) stream.once('error', () => {})
      done(error)
    })
  const writeWithEvents = (bytes: unknown, encoding?: BufferEncoding | Done, callback?: Done): boolean => {
    const done = typeof encoding === 'function' ? encoding : callback
    return write(bytes, typeof encoding === 'function' ? 'utf8' : (encoding ?? 'utf8'), error => {
      done?.(error)
      if (error) process.nextTick(() => former.emit('error', error))
    })
  }
  stream.on('drain', () => former.emit('drain'))
  Object.assign(former, {
    isTTY: (stream as Partial<WriteStream>).isTTY,
    write: writeWithEvents,
    _write: write,
    _writev: null,
    _refreshSize: () => {},
  })
}

function show(name: StreamName, stream: Readable | Writable): void {
  Object.defineProperty(process, name, { get: () => stream, enumerable: true, configurable: true })
}

/** Makes a stream as Node does for `process.stdout`: its end leaves the descriptor open. */
function makeOutput(fd: number, former: Internals): Writable {
  const [_type, stream] = isatty(fd)
    ? (['tty', new WriteStream(fd)] as const)
    : isConnection(fd)
      ? (['pipe', new Socket({ fd, readable: false, writable: true })] as const)
      : (['fs', new FileOutput(fd)] as const)
  if (stream instanceof Socket) stream.unref() // what is being written keeps the process running
  return Object.assign(stream, { fd, _type, _isStdio: true, destroySoon: stream.destroy, _destroy: former._destroy })
}

/** Makes a stream as Node does for `process.stdin`: it reads only on demand. */
function makeInput(fd: number): Readable {
  const isTerminal = isatty(fd)
  if (!isTerminal && !isConnection(fd)) return Object.assign(createReadStream('', { fd, autoClose: false }), { fd })
  const options: SocketConstructorOpts & { manualStart: boolean } = {
    fd,
    readable: true,
    writable: false,
    manualStart: true,
  }
  const stream = (isTerminal ? new ReadStream(fd) : new Socket(options)) as Socket & Internals
  const stopReading = (): void => {
    const handle = stream._handle
    if (!handle?.reading || stream.readableFlowing) return
    handle.reading = false
    handle.readStop?.() // a stream that is paused must not keep the process running
  }
  stream.on('pause', () => process.nextTick(stopReading))
  return Object.assign(stream, { fd })
}

/** Returns whether a descriptor is a pipe or a stream socket. */
function isConnection(fd: number): boolean {
  const stat = fstatSync(fd)
  return stat.isFIFO() || (stat.isSocket() && socketKind(fd).type === 'stream')
}

/** Writes to a file at once, as Node's own stream does. */
class FileOutput extends Writable {
  readonly #fd: number

  constructor(fd: number) {
    super({ decodeStrings: true })
    this.#fd = fd
  }

  override _write(bytes: Buffer, _encoding: string, callback: (error?: Error) => void): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    } catch (error) {
      return callback(error as Error)
    }
    callback()
  }
}

/** Opens a standard stream that code has closed: programs take the next file that they open for it. */
function openIfClosed(number: number): void {
  try {
    fstatSync(number)
  } catch {
    const device = new Descriptor(openSync('/dev/null', constants.O_RDWR))
    if (device.fd === number) return setCloseOnExec(device, false)
    dup2(device, number)
    device.close()
  }
}
