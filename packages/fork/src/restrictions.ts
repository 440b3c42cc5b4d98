import {
  aBoolean,
  anInteger,
  anything,
  checkArgument,
  checkOptions,
  type Expectation,
  type Expectations,
} from '@anyfork/fdpass/internal'

/** The resources of setrlimit(2). Their units are those of the kernel: bytes, seconds, or counts. */
export type Resource = 'as' | 'core' | 'cpu' | 'data' | 'fsize' | 'memlock' | 'nofile' | 'nproc' | 'stack'

/** The namespaces that unshare(2) can move a process to. */
export type Namespace = 'cgroup' | 'ipc' | 'net' | 'user' | 'uts'

/** What a process, and all processes that it starts afterwards, may use and do. */
export interface Restrictions {
  /**
   * The limits of setrlimit(2): a pair of soft and hard limit, or one number for both. `Infinity` removes a limit.
   *
   * @default {}
   */
  rlimits?: Partial<Record<Resource, number | readonly [soft: number, hard: number]>>
  /** The scheduling priority, from -20 to 19; a higher number leaves more processor time to others. */
  nice?: number
  /** The permissions that new files do not get, from 0 to `0o777`; see umask(2). */
  umask?: number
  /**
   * The root folder, which also becomes the working folder unless there is a `cwd`; see chroot(2). Needs a privilege,
   * or `unshare` with `'user'`. If the folder has no `/proc`, the process cannot be forked.
   */
  root?: string
  /** The working folder, a path in `root`. */
  cwd?: string
  /** The number of the user. */
  uid?: number
  /** The number of the group. Supplementary groups are dropped. The group is changed before the user. */
  gid?: number
  /**
   * Whether programs that the process executes gain no privileges; see PR_SET_NO_NEW_PRIVS in prctl(2).
   *
   * @default false
   */
  noNewPrivileges?: boolean
  /**
   * The kinds of namespaces that are new for the process; see unshare(2). A new `'net'` has no network at all. A new
   * `'user'` needs no privilege; all others need one, or `'user'` beside them. Linux only, and only in a process that
   * was forked with one thread: a fresh interpreter has several.
   *
   * @default []
   */
  unshare?: readonly Namespace[]
  /**
   * Whether the process loses all capabilities. Implies `noNewPrivileges`. Linux only, in a process that was forked
   * with one thread.
   *
   * @default false
   */
  noCapabilities?: boolean
  /**
   * Whether the process can signal only itself and the processes that it starts from now on, and cannot trace others;
   * see LANDLOCK_SCOPE_SIGNAL in landlock(7). Implies `noNewPrivileges`. Needs Linux 6.12, and a process that was
   * forked with one thread.
   *
   * @default false
   */
  noSignals?: boolean
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
const aPath: Expectation = {
  test: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
  text: 'a path without zero bytes',
}
const namespaces: ReadonlySet<unknown> = new Set<Namespace>(['cgroup', 'ipc', 'net', 'user', 'uts'])
const expectations: Expectations<Restrictions> = {
  rlimits: anything,
  nice: anInteger(-20, 19),
  umask: anInteger(0, 0o777),
  root: aPath,
  cwd: aPath,
  uid: anInteger(0, HIGHEST_ID),
  gid: anInteger(0, HIGHEST_ID),
  noNewPrivileges: aBoolean,
  unshare: {
    test: value => Array.isArray(value) && value.every(name => namespaces.has(name)),
    text: `an array of ${[...namespaces].join(', ')}`,
  },
  noCapabilities: aBoolean,
  noSignals: aBoolean,
}

/** @throws TypeError if a restriction does not exist or is invalid */
export function checkRestrictions(restrictions: Restrictions): void {
  checkOptions('restrict()', restrictions, expectations)
  const { rlimits } = restrictions
  if (rlimits === undefined) return
  checkOptions('rlimits', rlimits, limits)
  // A limit that is undefined is more likely a mistake than left out.
  for (const [name, limit] of Object.entries(rlimits)) checkArgument(`option ${name} of rlimits`, limit, aLimit)
}

/** Returns the soft and the hard limit. */
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
