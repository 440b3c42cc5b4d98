import { readdirSync, readFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ForkError } from '../errors.js'

const TASKS = '/proc/self/task'

/** The threads that are known to hold nothing while they wait: V8's and Node's own, and libuv's pool, which fork(2) resets. */
let known = new Set(threadIds())

/** To be called right after a fork: only one thread came along. */
export function forgetThreads(): void {
  known = new Set(threadIds())
}

/**
 * Looks for threads that would be missing in a forked process.
 *
 * @throws `ERR_FOREIGN_THREADS`, naming them
 */
export async function refuseForeignThreads(): Promise<void> {
  if (threadIds().every(id => known.has(id))) return
  const candidates = threadIds().filter(id => !known.has(id))
  await stat('/') // starts libuv's pool, whole
  const extra = threadIds().filter(id => !known.has(id))
  if (extra.length > poolSize()) {
    const suspects = candidates.length > poolSize() ? candidates : extra
    const names = suspects.map(id => `${threadName(id)} (thread ${id})`).join(', ')
    const count = extra.length - poolSize()
    throw new ForkError('ERR_FOREIGN_THREADS', `the template has ${count} thread${count > 1 ? 's' : ''} that a fork would not copy, among: ${names}`)
  }
  for (const id of extra) known.add(id)
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
