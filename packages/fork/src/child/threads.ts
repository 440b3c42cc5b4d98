import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ForkError } from '../errors.js'

const TASKS = '/proc/self/task'

/** Threads that hold nothing while they wait: V8's and Node's own, and libuv's pool, which fork(2) resets. */
let harmless = new Set<string>()
let isPoolAmongThem = false

/** To be called in a template before foreign code can start threads. */
export async function recordThreads(): Promise<void> {
  await startPool()
  harmless = new Set(threadIds())
  isPoolAmongThem = true
}

/** To be called right after a fork: only one thread came along. */
export function forgetThreads(): void {
  harmless = new Set(threadIds())
  isPoolAmongThem = false
}

/**
 * Looks for threads that would be missing in a forked process.
 *
 * @throws `ERR_FOREIGN_THREADS`, naming them
 */
export async function refuseForeignThreads(): Promise<void> {
  if (!othersThan(harmless).length) return
  const suspects = othersThan(harmless)
  if (!isPoolAmongThem) await startPool()
  const others = othersThan(harmless)
  const foreign = others.length - (isPoolAmongThem ? 0 : poolSize())
  if (foreign > 0) {
    const names = (suspects.length < foreign ? others : suspects).map(id => `${threadName(id)} (thread ${id})`).join(', ')
    throw new ForkError('ERR_FOREIGN_THREADS', `the template has ${foreign} thread${foreign > 1 ? 's' : ''} that a fork would not copy: ${names}`)
  }
  for (const id of others) harmless.add(id)
  isPoolAmongThem = true
}

/** libuv starts all of it at once, with the first request. */
async function startPool(): Promise<void> {
  await stat('/')
}

function othersThan(some: ReadonlySet<string>): string[] {
  return threadIds().filter(id => !some.has(id))
}

function threadIds(): string[] {
  return readdirSync(TASKS)
}

function threadName(id: string): string {
  try {
    return readFileSync(`${TASKS}/${id}/comm`, 'utf8').trim()
  } catch {
    return 'ended'
  }
}

/** As libuv reads it. */
function poolSize(): number {
  const size = Number.parseInt(process.env['UV_THREADPOOL_SIZE'] ?? '4', 10)
  return Math.min(Math.max(size || 1, 1), 1024)
}
