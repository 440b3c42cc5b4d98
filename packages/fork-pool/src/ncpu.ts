import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * How many processors this program may use: those that its affinity allows
 * (sched_getaffinity(2)), and no more than the quota of its control groups, rounded up.
 * Follows AnyEvent::Fork::Pool::ncpu.
 */
export function ncpu(): number {
  return Math.min(availableParallelism(), Math.max(1, Math.ceil(quota())))
}

/** In processors; the least of the group of this process and of all that it lies in. */
function quota(): number {
  let least = Infinity
  for (const line of textOf('/proc/self/cgroup').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined) continue
    if (controllers === '') least = Math.min(least, leastUpwards(path, '/sys/fs/cgroup', unified))
    else if (controllers!.split(',').includes('cpu'))
      least = Math.min(least, leastUpwards(path, `/sys/fs/cgroup/${controllers}`, separate))
  }
  return least
}

/** In a namespace of its own, a group's path may not be there: then that of the root is. */
function leastUpwards(path: string, mount: string, read: (folder: string) => number): number {
  const above = path === '/' ? Infinity : leastUpwards(dirname(path), mount, read)
  return Math.min(above, read(join(mount, path)))
}

/** Version 2: `max 100000`, of cgroups(7). */
function unified(folder: string): number {
  const [amount, period] = textOf(join(folder, 'cpu.max')).split(' ').map(Number)
  return amount! > 0 && period! > 0 ? amount! / period! : Infinity
}

/** Version 1. */
function separate(folder: string): number {
  const [amount, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map(name => Number(textOf(join(folder, name))))
  return amount! > 0 && period! > 0 ? amount! / period! : Infinity
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
