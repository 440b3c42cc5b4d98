import { constants, fstatSync, openSync } from 'node:fs'
import { Descriptor, type Handle, pipe } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'
import { openUntilThreadEnd } from '../thread-end.js'
import type { StandardStream } from './exec-options.js'

/** The descriptors of standard streams that are yet to be given to a process. */
export class StreamEnds {
  /** What becomes standard input, output, and error of the process; `undefined` where it keeps what it has. */
  readonly theirs: (Handle | undefined)[] = []
  /** The other ends of pipes, in the same order. */
  readonly #ours: (Descriptor | undefined)[] = []
  /** What was opened for the process only. */
  readonly #opened: Descriptor[] = []

  /**
   * @throws `EBADF` if a given descriptor is not open
   * @throws `EMFILE` if there is no room for the descriptors; then none is left open
   */
  constructor(stdio: readonly (StandardStream | undefined)[] = []) {
    assertOpen(stdio)
    try {
      for (const [number, stream] of [...stdio].entries()) this.#add(number, stream ?? 'inherit')
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** The numbers of the streams that the process does not keep. */
  get numbers(): number[] {
    return [0, 1, 2].filter(number => this.theirs[number] !== undefined)
  }

  /**
   * Call this when the process has been given its ends, or the kernel will do that. Closes them here.
   *
   * @returns the other ends; the caller owns them
   */
  handOver(): readonly (Descriptor | undefined)[] {
    for (const descriptor of this.#opened.splice(0)) descriptor.close()
    return this.#ours
  }

  /** Closes everything that was opened. */
  close(): void {
    for (const descriptor of this.handOver()) descriptor?.close()
  }

  #add(number: number, stream: StandardStream): void {
    if (stream === 'pipe') {
      const [readEnd, writeEnd] = openUntilThreadEnd(() => pipe())
      const [ours, theirs] = number === 0 ? [writeEnd, readEnd] : [readEnd, writeEnd]
      this.#ours[number] = ours
      this.#opened.push(theirs)
      this.theirs[number] = theirs
    } else if (stream === 'ignore') {
      const device = new Descriptor(openSync('/dev/null', constants.O_RDWR))
      this.#opened.push(device)
      this.theirs[number] = device
    } else if (stream !== 'inherit') this.theirs[number] = stream
  }
}

/**
 * Call this before anything is opened, which might get the number of a closed descriptor.
 *
 * @throws `EBADF` if a given descriptor is not open
 */
export function assertOpen(stdio: readonly (StandardStream | undefined)[] = []): void {
  for (const stream of [...stdio]) {
    if (typeof stream !== 'string' && stream !== undefined && stream !== null) fstatSync(descriptorNumber(stream))
  }
}
