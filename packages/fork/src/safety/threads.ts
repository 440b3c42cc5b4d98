import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { isLinux } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { counted } from '../counted.js'
import { ForkError } from '../errors.js'
import { splitNodeOptions } from '../node-options.js'

const TASKS = '/proc/self/task'
/** The environment with which this program was started, before it changed `process.env`. */
const ENVIRONMENT = '/proc/self/environ'

/**
 * The main thread, V8's one worker, the thread for delayed tasks, and the one that listens for SIGUSR1: the same from
 * Node 20 to 26.
 */
const NODES_OWN = 4
/** The kernel's flag of threads that have begun to exit. */
const PF_EXITING = 4
/** Kernel threads of an io_uring, which end with it. */
const KERNELS = /^iou-/
/** The states of threads that run, or do so once a page of memory has been read. proc_pid_stat(5) */
const RUNNING = 'RD'
/** How long to wait for threads that run, in milliseconds. */
const PATIENCE_MS = 2000
/** The interval between two looks at a thread, in milliseconds. */
const INTERVAL_MS = 5
/** A thread that has been asleep at so many looks is not about to end. */
const LOOKS = 10
/** The flag without the thread for SIGUSR1. Node accepts `_` for `-`. */
const WITHOUT_LISTENER = /^--disable[-_]sigusr1$/

/**
 * The ids of threads that hold no lock while they wait: V8's and Node's own, and libuv's pool, which fork(2) resets.
 */
let harmless = new Set<string>()
let isPoolAmongThem = false
/** The ids that the addon knows: as long as there are no other threads, it need not ask for them before a fork. */
let known: string | undefined
/** Whether there were foreign threads before users' code could start any. */
let hasPreloaded = false
/** The ids of threads that have been waited for, and had not ended. */
let lasting: ReadonlySet<string> = new Set()

/**
 * Call this in a template before users' code can start threads. Only what the interpreter was told to preload has
 * run.
 */
export async function recordThreads(): Promise<void> {
  const early = threadIds()
  await startPool()
  const all = threadIds()
  const preloaded = countForeignThreads()
  // Which ones these are cannot be known for sure. Most likely they started after Node's own and before the pool.
  const suspects = [...early.slice(NODES_OWN), ...all.filter(id => !early.includes(id))].slice(
    0,
    Math.max(0, preloaded),
  )
  harmless = new Set(all.filter(id => !suspects.includes(id)))
  isPoolAmongThem = true
  hasPreloaded = suspects.length > 0
}

/** Call this right after a fork, which copies only one thread. Its id is the pid. */
export function forgetThreads(): void {
  harmless = new Set([String(binding.getpid())])
  isPoolAmongThem = false
  known = undefined
  hasPreloaded = false
  lasting = new Set()
}

/** Tells the addon which threads are harmless. Call this when there are no others. */
export function knowThreads(): void {
  const own = String(binding.getpid())
  const ids = threadIds().filter(id => id !== own && harmless.has(id))
  const text = ids.join()
  if (known === text) return
  known = binding.knowThreads(Int32Array.from(ids, Number)) === 0 ? text : undefined
}

/** Returns whether the addon can tell whether there are foreign threads. */
export function areThreadsKnown(): boolean {
  return known !== undefined
}

/** A thread. The name is the kernel's. */
export interface Thread {
  id: number
  name: string
  /** Whether forks are rejected because a forked process would lack the thread. */
  isForeign: boolean
}

/** Returns all threads of this process. */
export async function listThreads(): Promise<Thread[]> {
  const foreign = await findForeign()
  return threadIds().map(id => ({ id: Number(id), name: threadName(id), isForeign: foreign.includes(id) }))
}

/** Returns all threads of this process, where forks have them all. */
export function listCopiedThreads(): Thread[] {
  return threadIds().map(id => ({ id: Number(id), name: threadName(id), isForeign: false }))
}

/**
 * Checks that there is no thread that a forked process would lack.
 *
 * @throws `ERR_FOREIGN_THREADS`, naming the threads
 */
export async function assertNoForeignThreads(): Promise<void> {
  const foreign = await findForeign()
  if (!foreign.length) return
  const names = foreign.map(id => `${threadName(id)} (thread ${id})`).join(', ')
  throw new ForkError(
    'ERR_FOREIGN_THREADS',
    `the template has ${counted(foreign.length, 'thread')} that a fork would not copy: ${names}`,
  )
}

/** Returns whether threads have started since `assertNoForeignThreads`. */
export function hasNewThreads(): boolean {
  return othersThan(harmless).length > 0
}

/** Returns whether modules that the interpreter was told to preload have started foreign threads. */
export function hasPreloadedThreads(): boolean {
  return hasPreloaded
}

/** Describes the threads that `assertNoForeignThreads` has found, each once. */
export function describeForeignThreads(): string[] {
  const inherited = threadName(String(binding.getpid())) // a thread without a name has that of the one that started it
  const names = othersThan(harmless).map(threadName)
  return [...new Set(names.map(name => (name === inherited ? 'a thread without a name' : `the thread ${name}`)))]
}

/** Returns whether there is a thread that a forked process would lack. */
export async function hasForeignThreads(): Promise<boolean> {
  return (await findForeign()).length > 0
}

/**
 * Waits, as `waitForEnd` does, until this program has no thread beside those of Node and V8. It must have been started with
 * the forking flags.
 *
 * @throws rejects with the error of the kernel if /proc cannot be read
 */
export function waitForForeignThreads(): Promise<void> {
  const own = String(binding.getpid())
  return waitForEnd(() => (countForeignThreads() > 0 ? threadIds().filter(id => id !== own) : []))
}

/**
 * Waits until threads have ended, as long as one of them runs, and for at most two seconds: it may be about to end. With
 * `node:tls`, which other modules load, too, late versions of Node 22 and all newer ones start a thread that reads
 * certificates, and then ends.
 *
 * @param find - returns the ids of those that there are now
 */
async function waitForEnd(find: () => readonly string[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let asleep = 0; ; await setTimeout(INTERVAL_MS)) {
    const ids = find()
    const awaited = ids.filter(id => !lasting.has(id))
    if (!awaited.length) return
    asleep = awaited.some(isRunning) ? 0 : asleep + 1
    if (asleep < LOOKS && performance.now() < deadline) continue
    lasting = new Set(ids)
    return
  }
}

/** Returns the ids of foreign threads that are not about to end. */
async function findForeign(): Promise<string[]> {
  const foreign = await findForeignNow()
  if (!foreign.length) return []
  await waitForEnd(() => foreign.filter(id => !isExiting(id)))
  return findForeignNow()
}

/**
 * Returns the ids of foreign threads. In a forked process libuv's pool may have started since the fork: this starts all
 * of it and counts it.
 */
async function findForeignNow(): Promise<string[]> {
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
 * Counts the threads of a program that was started with the forking flags, without Node's own and libuv's pool, which
 * must have started. Where the size of the pool is uncertain, the smaller one counts: rather too many threads are
 * foreign than too few.
 */
export function countForeignThreads(): number {
  const environments = [startEnvironment(), process.env]
  const flags = [...process.execArgv, ...environments.flatMap(({ NODE_OPTIONS: text }) => splitNodeOptions(text ?? ''))]
  const nodesOwn = flags.some(flag => WITHOUT_LISTENER.test(flag)) ? NODES_OWN - 1 : NODES_OWN
  return (
    threadIds().filter(id => !KERNELS.test(threadName(id))).length - nodesOwn - Math.min(...environments.map(poolSize))
  )
}

/** Starts libuv's pool: the first request starts all of its threads. */
export async function startPool(): Promise<void> {
  await stat(isLinux ? TASKS : '/')
}

function othersThan(some: ReadonlySet<string>): string[] {
  return threadIds().filter(id => !some.has(id) && !isExiting(id))
}

/**
 * Returns whether a thread has begun to exit: for a moment after it was joined, it is still listed, but it holds no
 * lock. proc_pid_stat(5)
 */
function isExiting(id: string): boolean {
  try {
    return (Number(statOf(id)[6]) & PF_EXITING) !== 0
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code!)
  }
}

function isRunning(id: string): boolean {
  try {
    return RUNNING.includes(statOf(id)[0]!)
  } catch {
    return false
  }
}

/** Returns what the kernel says of a thread, from its state on. proc_pid_stat(5) */
function statOf(id: string): string[] {
  const stat = readFileSync(`${TASKS}/${id}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function threadIds(): string[] {
  return readTasks().sort((a, b) => Number(a) - Number(b))
}

/** If no descriptor is free, gives up those that are kept open to look at the known threads. */
function readTasks(): string[] {
  try {
    return readdirSync(TASKS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE' || known === undefined) throw error
    known = undefined
    binding.forgetThreads()
    return readdirSync(TASKS)
  }
}

function threadName(id: string): string {
  try {
    return readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim()
  } catch {
    return 'ended'
  }
}

/** Reads the variable as libuv does. */
function poolSize(env: NodeJS.ProcessEnv = process.env): number {
  const size = Number.parseInt(env['UV_THREADPOOL_SIZE'] ?? '4', 10)
  return Math.min(Math.max(size || 1, 1), 1024)
}

/** If a name occurs twice, the first value counts, as for getenv(3). */
function startEnvironment(): NodeJS.ProcessEnv {
  let text: string
  try {
    text = readFileSync(ENVIRONMENT, 'utf8')
  } catch {
    return process.env // this process has changed its user and may not read the file
  }
  const entries = text.split('\0').map(entry => entry.split(/=(.*)/s, 2))
  return Object.fromEntries(entries.reverse())
}
