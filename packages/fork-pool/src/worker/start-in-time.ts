import { PoolError } from '../errors.js'
import type { Worker } from './worker.js'

/**
 * Waits until a worker can be called. One that does not get there is killed; its template
 * with it, where that does not even fork.
 *
 * @throws what went wrong, or `ERR_POOL_START_TIMEOUT`
 */
export async function startInTime(worker: Worker, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new PoolError('ERR_POOL_START_TIMEOUT', `a worker has not started within ${milliseconds} ms`))
      if (worker.pid === undefined) worker.template.process.kill('SIGKILL')
    }, milliseconds)
  })
  try {
    await Promise.race([worker.ready(), late])
  } finally {
    clearTimeout(timer)
  }
}
