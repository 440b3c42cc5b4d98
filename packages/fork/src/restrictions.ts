import {
  aBoolean,
  anInteger,
  anything,
  checkArgument,
  checkOptions,
  type Expectation,
  type Expectations,
} from '@anyfork/fdpass/internal'

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

/** The id above this one means "no change" to setuid(2) and its relatives. */
const HIGHEST_ID = 2 ** 32 - 2

const aLimit: Expectation = {
  test: isLimit,
  text: 'a safe integer of at least 0, Infinity, or a pair of these with the lower one first',
}
const limits: Expectations<NonNullable<Restrictions['rlimits']>> = {
  as: aLimit,
  core: aLimit,
  cpu: aLimit,
  data: aLimit,
  fsize: aLimit,
  memlock: aLimit,
  nofile: aLimit,
  nproc: aLimit,
  stack: aLimit,
}
const expectations: Expectations<Restrictions> = {
  rlimits: anything,
  nice: anInteger(-20, 19),
  umask: anInteger(0, 0o777),
  cwd: {
    test: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
    text: 'a path without zero bytes',
  },
  uid: anInteger(0, HIGHEST_ID),
  gid: anInteger(0, HIGHEST_ID),
  noNewPrivileges: aBoolean,
}

/**
 * Looks whether restrictions make sense, without restricting anything.
 *
 * @throws TypeError where they do not
 */
export function checkRestrictions(restrictions: Restrictions): void {
  checkOptions('restrict()', restrictions, expectations)
  const { rlimits } = restrictions
  if (rlimits === undefined) return
  checkOptions('rlimits', rlimits, limits)
  // A limit that is undefined is more likely a mistake than left out.
  for (const [name, limit] of Object.entries(rlimits)) checkArgument(`option ${name} of rlimits`, limit, aLimit)
}

/** Both limits of what may be one number for both. */
export function softAndHard(limit: number | readonly [number, number]): readonly [soft: number, hard: number] {
  return typeof limit === 'number' ? [limit, limit] : limit
}

function isLimit(value: unknown): boolean {
  if (!Array.isArray(value)) return isAmount(value)
  const [soft, hard] = value as unknown[]
  return value.length === 2 && isAmount(soft) && isAmount(hard) && soft <= hard
}

function isAmount(value: unknown): value is number {
  return value === Infinity || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0)
}
