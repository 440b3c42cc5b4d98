import { readdirSync, readlinkSync } from 'node:fs'

const FDS = '/proc/self/fd'
const isLinux = process.platform === 'linux'

type StreamName = 'stdout' | 'stderr'

/** What this process, or the template that it descends from, was like before foreign code came: the doctor tells of the rest. */
export interface Baseline {
  /** What each descriptor was, by number, as readlink(2) tells it. */
  descriptors: ReadonlyMap<number, string>
  /** The listeners of the process, of all events. */
  listeners: ReadonlySet<unknown>
  /** The streams that somebody has asked for since: to look at another one would make it. */
  usedStreams: ReadonlySet<StreamName>
}

let baseline: Baseline = { descriptors: new Map(), listeners: new Set(), usedStreams: new Set() }

/** To be called in a template once it is set up. */
export function recordBaseline(): void {
  const listeners = new Set(process.eventNames().flatMap(event => process.rawListeners(event as 'exit')))
  baseline = { descriptors: openDescriptors(), listeners, usedStreams: noteStreams() }
}

/** What was recorded. */
export function getBaseline(): Baseline {
  return baseline
}

/** What each descriptor is, by number, as readlink(2) tells it: a path, `socket:[123]`, `anon_inode:[eventfd]`. Empty where the system does not tell. */
export function openDescriptors(): Map<number, string> {
  const names: [number, string][] = []
  for (const fd of isLinux ? readdirSync(FDS) : []) {
    try {
      names.push([Number(fd), readlinkSync(`${FDS}/${fd}`)])
    } catch {
      // the one that read the folder
    }
  }
  return new Map(names.sort(([a], [b]) => a - b))
}

function noteStreams(): Set<StreamName> {
  const used = new Set<StreamName>()
  for (const name of ['stdout', 'stderr'] as const) {
    const { get, ...rest } = Object.getOwnPropertyDescriptor(process, name)!
    const noting = function (this: unknown): unknown {
      used.add(name)
      return get!.call(this)
    }
    Object.defineProperty(process, name, { ...rest, get: noting })
  }
  return used
}
