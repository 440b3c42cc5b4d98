import assert from 'node:assert/strict'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

const rounds = isSoak ? 15 : 3
const calls = isSoak ? 3000 : 200
/** The largest number of calls between two kills. */
const longestGap = isSoak ? 500 : 40

describe('random kills', function () {
  this.timeout(isSoak ? 3_600_000 : 240_000)
  const start = usePools()

  for (const retries of [Infinity, 0]) {
    it(
      retries
        ? 'with retries, all calls succeed though workers are killed at random'
        : 'without retries, a worker that is killed costs at most one call, which rejects with SIGKILL',
      async () => {
        let kills = 0
        let lost = 0
        for (let round = 0; round < rounds; round++) {
          const load = round % 2 ? 1 + (round % 4) : 'auto'
          const echo = start('spinALittle', { max: 3, load, retries, spare: round % 3 })
          let settled = 0
          let nextKill = 0
          // By progress, not by time: on a busy machine, workers would be killed before they have done anything.
          const killSometimes = (): void => {
            if (++settled < nextKill) return
            nextKill += 1 + Math.floor(Math.random() * longestGap)
            const { workers } = echo
            if (workers.length && kill(workers[Math.floor(Math.random() * workers.length)]!.pid)) kills++
          }
          const outcomes = await Promise.allSettled(
            Array.from({ length: calls }, (_, i) => echo(i).finally(killSometimes)),
          )
          for (const [i, outcome] of outcomes.entries()) {
            if (outcome.status === 'fulfilled') assert.equal(outcome.value, i)
            else {
              assert.equal(outcome.reason.signal, 'SIGKILL')
              lost++
            }
          }
          const { calls: counts, died } = await echo.stats()
          assert.equal(counts.done + counts.lost, calls)
          if (retries) assert.equal(counts.lost, 0)
          else assert.ok(counts.lost <= died, `${counts.lost} calls lost with ${died} workers`)
          await echo.close()
        }
        assert.ok(kills > 0)
        if (!retries) assert.ok(lost > 0)
      },
    )
  }
})

/** Kills a process. Returns whether it existed. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
