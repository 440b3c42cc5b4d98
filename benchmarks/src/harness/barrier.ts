import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { withTemporaryFile } from './temporary-file.js'

/**
 * Makes as many calls of `meet` as there are workers; each is held until all have come, so that every worker has one.
 *
 * @returns when the last of them was called, by `process.hrtime.bigint()`
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
    assert.equal(new Set(arrivals.map(([, worker]) => worker)).size, workers, 'a worker was given two calls at a time')
    return arrivals.map(([time]) => BigInt(time!)).reduce((a, b) => (a > b ? a : b))
  })
}
