import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { binding } from '../binding.js'
import { ForkError } from '../errors.js'
import { splitNodeOptions } from '../node-options.js'

const TASKS = '/proc/self/task'
const isLinux = process.platform === 'linux'
/** The environment that this program was started with, whatever it has made of it since. */
const ENVIRONMENT = '/proc/self/environ'

/** The main one, V8's one worker, that of delayed tasks, and the one that listens for SIGUSR1: the same from Node 20 to 26. */
const NODES_OWN = 4
/** A flag of the kernel's, for threads that have begun to end. */
const PF_EXITING = 4
/** Those of an io_uring, which belong to that. */
const KERNELS = /^iou-/
/** Without the last of these; Node takes `_` for `-`. */
const WITHOUT_LISTENER = /^--disable[-_]sigusr1$/

/** Threads that hold nothing while they wait: V8's and Node's own, and libuv's pool, which fork(2) resets. */
let harmless = new Set<string>()
let isPoolAmongThem = false

/** To be called in a template before other code than what its interpreter was told to preload can start threads. */
export async function recordThreads(): Promise<void> {
  if (!isLinux) return
  const early = threadIds()
  await startPool()
  const all = threadIds()
  const preloaded = countForeignThreads()
  // Which ones cannot be known for sure: rather those that were there before the pool, after Node's own.
  const suspects = [...early.slice(NODES_OWN), ...all.filter(id => !early.includes(id))].slice(
    0,
    Math.max(0, preloaded),
  )
  harmless = new Set(all.filter(id => !suspects.includes(id)))
  isPoolAmongThem = true
}

/** To be called right after a fork: only one thread came along, which has the number of the process. */
export function forgetThreads(): void {
  harmless = new Set([String(binding.getpid())])
  isPoolAmongThem = false
}

/** A thread, by what the kernel calls it. */
export interface Thread {
  id: number
  name: string
  /** It would be missing in a forked process. */
  isForeign: boolean
}

/** All threads of this process. */
export async function listThreads(): Promise<Thread[]> {
  const foreign = await findForeign()
  return threadIds().map(id => ({ id: Number(id), name: threadName(id), isForeign: foreign.includes(id) }))
}

/**
 * Looks for threads that would be missing in a forked process.
 *
 * @throws `ERR_FOREIGN_THREADS`, naming them
 */
export async function assertNoForeignThreads(): Promise<void> {
  const foreign = await findForeign()
  if (!foreign.length) return
  const names = foreign.map(id => `${threadName(id)} (thread ${id})`).join(', ')
  throw new ForkError(
    'ERR_FOREIGN_THREADS',
    `the template has ${foreign.length} thread${foreign.length > 1 ? 's' : ''} that a fork would not copy: ${names}`,
  )
}

/** Whether there are threads that `assertNoForeignThreads` has not looked at. */
export function hasNewThreads(): boolean {
  return othersThan(harmless).length > 0
}

/** Whether there are any. */
export async function hasForeignThreads(): Promise<boolean> {
  return (await findForeign()).length > 0
}

/** In a forked process libuv's pool may have started since: it is started whole, and counted. */
async function findForeign(): Promise<string[]> {
  if (!isLinux)
    throw new ForkError('ERR_FOREIGN_THREADS', 'this system does not tell which threads a fork would not copy')
  const suspects = othersThan(harmless)
  if (!suspects.length) return []
  if (!isPoolAmongThem) await startPool()
  const others = othersThan(harmless)
  const foreign = others.length - (isPoolAmongThem ? 0 : poolSize())
  if (foreign > 0) return suspects.length < foreign ? others : suspects
  for (const id of others) harmless.add(id)
  isPoolAmongThem = true
  return []
}

/**
 * How many threads there are, in a program that was started with the forking flags, beside
 * Node's own and libuv's pool, which must have started. Where it cannot be known how many
 * are these, as few as they can be: the others are rather too many than too few.
 */
export function countForeignThreads(): number {
  const environments = [startEnvironment(), process.env]
  const flags = [...process.execArgv, ...environments.flatMap(({ NODE_OPTIONS: text }) => splitNodeOptions(text ?? ''))]
  const nodesOwn = flags.some(flag => WITHOUT_LISTENER.test(flag)) ? NODES_OWN - 1 : NODES_OWN
  return (
    threadIds().filter(id => !KERNELS.test(threadName(id))).length - nodesOwn - Math.min(...environments.map(poolSize))
  )
}

/** libuv starts all of it at once, with the first request. */
export async function startPool(): Promise<void> {
  await stat('/')
}

function othersThan(some: ReadonlySet<string>): string[] {
  return threadIds().filter(id => !some.has(id) && !isExiting(id))
}

/** Who has joined a thread may still see it for a moment; it is in the kernel, and holds nothing any more. proc_pid_stat(5) */
function isExiting(id: string): boolean {
  try {
    const stat = readFileSync(`${TASKS}/${id}/stat`, 'latin1')
    return (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]) & PF_EXITING) !== 0
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code!)
  }
}

function threadIds(): string[] {
  return readdirSync(TASKS).sort((a, b) => Number(a) - Number(b))
}

function threadName(id: string): string {
  try {
    return readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim()
  } catch {
    return 'ended'
  }
}

/** As libuv reads it. */
function poolSize(env: NodeJS.ProcessEnv = process.env): number {
  const size = Number.parseInt(env['UV_THREADPOOL_SIZE'] ?? '4', 10)
  return Math.min(Math.max(size || 1, 1), 1024)
}

/** Of a name that is there twice, the first counts, as for getenv(3). */
function startEnvironment(): NodeJS.ProcessEnv {
  let text: string
  try {
    text = readFileSync(ENVIRONMENT, 'utf8')
  } catch {
    return process.env // it has become another user, and may not look
  }
  const entries = text.split('\0').map(entry => entry.split(/=(.*)/s, 2))
  return Object.fromEntries(entries.reverse())
}
