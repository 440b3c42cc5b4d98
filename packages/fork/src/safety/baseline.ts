import { readdirSync, readlinkSync } from 'node:fs'
import { isLinux } from '@anyfork/fdpass/internal'

const FDS = '/proc/self/fd'

export type StreamName = 'stdin' | 'stdout' | 'stderr'

/**
 * The state of a template before users' code was loaded. Forked processes inherit it. The doctor reports what differs.
 */
export interface Baseline {
  /** The name of each descriptor, as readlink(2) returns it, by number. */
  descriptors: ReadonlyMap<number, string>
  /** The listeners of the process, for all events. */
  listeners: ReadonlySet<unknown>
  /** The streams that code has used since. Looking at another one would create it. */
  usedStreams: ReadonlySet<StreamName>
  /** Whether code may have used streams before. */
  mayHaveUsedStreams: boolean
}

let baseline: Baseline = {
  descriptors: new Map(),
  listeners: new Set(),
  usedStreams: new Set(),
  mayHaveUsedStreams: true,
}

/** Call this in a template once it is set up. */
export function recordBaseline({ mayHaveUsedStreams }: Pick<Baseline, 'mayHaveUsedStreams'>): void {
  const listeners = new Set(process.eventNames().flatMap(event => process.rawListeners(event as 'exit')))
  baseline = { descriptors: openDescriptors(), listeners, usedStreams: noteStreams(), mayHaveUsedStreams }
}

export function getBaseline(): Baseline {
  return baseline
}

/**
 * Returns the name of each descriptor, as readlink(2) returns it, by number: a path, `socket:[123]`,
 * `anon_inode:[eventfd]`. Empty where the system has no /proc.
 */
export function openDescriptors(): Map<number, string> {
  const names: [number, string][] = []
  for (const fd of listDescriptors()) {
    try {
      names.push([Number(fd), readlinkSync(`${FDS}/${fd}`)])
    } catch {
      // the descriptor by which the folder was read
    }
  }
  return new Map(names.sort(([a], [b]) => a - b))
}

/** Returns the numbers of all descriptors; none where the system has no /proc, or this process may not read it. */
function listDescriptors(): string[] {
  try {
    return isLinux ? readdirSync(FDS) : []
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EMFILE') throw error
    return []
  }
}

/** Makes the getters of the standard streams remember their use. Returns the streams that have been used. */
function noteStreams(): Set<StreamName> {
  const used = new Set<StreamName>()
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const { get, ...rest } = Object.getOwnPropertyDescriptor(process, name)!
    const noting = function (this: unknown): unknown {
      used.add(name)
      return get!.call(this)
    }
    Object.defineProperty(process, name, { ...rest, get: noting })
  }
  return used
}
