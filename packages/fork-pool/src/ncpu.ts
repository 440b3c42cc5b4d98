import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Returns how many processors this program may use: those that its affinity mask allows (sched_getaffinity(2)), but no
 * more than the CPU quota of its control groups (cgroups(7)), rounded up. Follows AnyEvent::Fork::Pool::ncpu.
 *
 * @returns an integer of at least 1
 */
export function ncpu(): number {
  return Math.min(availableParallelism(), Math.max(1, Math.ceil(quota())))
}

/** Returns the quota of this process in processors: the lowest of its control groups and their ancestors. */
function quota(): number {
  let lowest = Infinity
  for (const line of textOf('/proc/self/cgroup').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined) continue
    if (controllers === '') lowest = Math.min(lowest, lowestUpwards(path, '/sys/fs/cgroup', quotaV2))
    else if (controllers!.split(',').includes('cpu'))
      lowest = Math.min(lowest, lowestUpwards(path, `/sys/fs/cgroup/${controllers}`, quotaV1))
  }
  return lowest
}

/** In a cgroup namespace, the path of the group may not exist below the mount; the quota of the root applies then. */
function lowestUpwards(path: string, mount: string, read: (folder: string) => number): number {
  const above = path === '/' ? Infinity : lowestUpwards(dirname(path), mount, read)
  return Math.min(above, read(join(mount, path)))
}

/** Reads cpu.max of cgroups version 2: `max 100000` or `50000 100000`, the quota and the period. */
function quotaV2(folder: string): number {
  const [amount, period] = textOf(join(folder, 'cpu.max')).split(' ').map(Number)
  return amount! > 0 && period! > 0 ? amount! / period! : Infinity
}

/** Reads the two files of cgroups version 1. The quota is -1 if there is none. */
function quotaV1(folder: string): number {
  const [amount, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map(name => Number(textOf(join(folder, name))))
  return amount! > 0 && period! > 0 ? amount! / period! : Infinity
}

/** Returns '' if the file cannot be read. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
