import { checkNames } from './check-names.js'

/** The resources of setrlimit(2), in its units: bytes, seconds, or a number of things. */
export type Resource = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack'

/** What a process may use and do, from then on and for all that it starts. */
export interface Restrictions {
  /** Limits, soft and hard, or one number for both; `Infinity` is none. */
  rlimits?: Partial<Record<Resource, number | readonly [soft: number, hard: number]>>
  /** Its scheduling priority, -20 to 19; higher is nicer to others. */
  nice?: number
  /** The permissions that files it makes do not get, such as `0o077`. */
  umask?: number
  /** Its working directory. */
  cwd?: string
  /** Its user and group, by number; the group is changed first, and supplementary groups are dropped with it. */
  uid?: number
  gid?: number
  /** Nothing that it executes gains privileges, as PR_SET_NO_NEW_PRIVS of prctl(2). */
  noNewPrivileges?: boolean
}

const resources = new Set<string>(['as', 'core', 'cpu', 'data', 'fsize', 'memlock', 'nofile', 'nproc', 'stack'])
/** The one above means none to the kernel. */
const HIGHEST_ID = 2 ** 32 - 2
const known = new Set(['rlimits', 'nice', 'umask', 'cwd', 'uid', 'gid', 'noNewPrivileges'])

/**
 * Looks whether restrictions make sense, without restricting anything.
 *
 * @throws TypeError where they do not
 */
export function checkRestrictions(restrictions: Restrictions): void {
  checkNames('restrict()', restrictions, known)
  const { rlimits = {}, nice, umask, cwd, uid, gid, noNewPrivileges = false } = restrictions
  checkNames('rlimits', rlimits, resources)
  for (const [name, limit] of Object.entries(rlimits)) {
    const pair = Array.isArray(limit) ? (limit as unknown[]) : [limit, limit]
    const [soft, hard] = pair
    if (pair.length !== 2 || !isAmount(soft) || !isAmount(hard) || soft > hard)
      throw new TypeError(`a limit of ${name} is a number from 0, or two, the lower first`)
  }
  if (nice !== undefined && (!Number.isInteger(nice) || nice < -20 || nice > 19))
    throw new TypeError(`nice is -20 to 19, not ${String(nice)}`)
  if (umask !== undefined && (!Number.isInteger(umask) || umask < 0 || umask > 0o777))
    throw new TypeError(`a umask is 0 to 0o777, not ${String(umask)}`)
  if (cwd !== undefined && (typeof cwd !== 'string' || cwd === '' || cwd.includes('\0')))
    throw new TypeError('cwd is a path')
  if (typeof noNewPrivileges !== 'boolean')
    throw new TypeError(`noNewPrivileges is true or false, not ${String(noNewPrivileges)}`)
  for (const id of [uid, gid])
    if (id !== undefined && (!Number.isInteger(id) || id < 0 || id > HIGHEST_ID))
      throw new TypeError(`a user or group is a number from 0 to ${HIGHEST_ID}, not ${String(id)}`)
}

/** Both limits of what may be one number for both. */
export function softAndHard(limit: number | readonly [number, number]): readonly [soft: number, hard: number] {
  return typeof limit === 'number' ? [limit, limit] : limit
}

function isAmount(value: unknown): value is number {
  return value === Infinity || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
}
