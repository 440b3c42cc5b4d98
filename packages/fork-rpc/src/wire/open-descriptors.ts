import { readFileSync } from 'node:fs'
import type { Descriptor } from '@anyfork/fdpass'
import { RpcError } from '../errors.js'

/** The default limit where the limit of open files is unknown. */
const FALLBACK = 256

/** Counts the descriptors that came from a process and are still open here, so that it cannot fill the table. */
export class OpenDescriptors {
  readonly #limit: () => number
  /** Holds them until they are closed: a descriptor whose object was garbage-collected stays open. */
  #descriptors: Descriptor[] = []

  /** @param limit - returns how many may be open at once. It is asked when the first one comes */
  constructor(limit: () => number) {
    this.#limit = limit
  }

  /** @throws RpcError if too many are open */
  add(descriptors: readonly Descriptor[]): void {
    const limit = this.#limit()
    for (const descriptor of descriptors) this.#descriptors.push(descriptor)
    if (this.#descriptors.length <= limit) return
    this.#descriptors = this.#descriptors.filter(({ isOpen }) => isOpen)
    if (this.#descriptors.length > limit)
      throw new RpcError(
        'ERR_RPC_PROTOCOL',
        `more than ${limit} descriptors from the process are open (maxDescriptors)`,
      )
  }
}

let quarter: number | undefined

/** Returns a quarter of the limit of open files of this process, RLIMIT_NOFILE of getrlimit(2). */
export function quarterOfTable(): number {
  return (quarter ??= Math.max(1, Math.floor(openFilesLimit() / 4)))
}

function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft ?? FALLBACK * 4)
  } catch {
    return FALLBACK * 4
  }
}
