import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { withTemporaryFile } from './temporary-file.js'

/**
 * Occupies every worker of a pool with one call of `waitAtBarrier`. No call returns before all of them have started, so
 * no worker can run two of them.
 *
 * @param waitAtBarrier - calls the function of that name in a worker
 * @returns when the last call started, on the clock of `process.hrtime.bigint()`
 * @throws AssertionError if the pool gave two calls to one worker
 */
export function occupyWorkers(
  workers: number,
  waitAtBarrier: (file: string, count: number) => Promise<unknown>,
): Promise<bigint> {
  return withTemporaryFile(async file => {
    await Promise.all(Array.from({ length: workers }, () => waitAtBarrier(file, workers)))
    const arrivals = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map(line => line.split(' '))
    assert.equal(new Set(arrivals.map(([, worker]) => worker)).size, workers, 'a worker ran two calls at the same time')
    return arrivals.map(([time]) => BigInt(time!)).reduce((a, b) => (a > b ? a : b))
  })
}
