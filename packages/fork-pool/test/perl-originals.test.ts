import assert from 'node:assert/strict'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { describe, it } from 'mocha'
import { worker } from './support/pools.js'

/** The tests of AnyEvent::Fork::Pool 1.3, with the names of their files. */
describe('original tests of AnyEvent::Fork::Pool', () => {
  it('01_basic: 30 jobs of random length run once each, though about half of them retire their worker', async () => {
    const lines: string[] = []
    let isDestroyed = false
    await new Promise<void>(resolve => {
      const job = pool(ForkProcess.create(), worker, 'basicJob', {
        max: 4,
        load: 2,
        idle: 2,
        start: 20,
        stop: 50,
        onEvent: (...values) => lines.push(values.join(' ')),
        onDestroy: () => {
          isDestroyed = true
          resolve()
        },
      })
      for (let number = 1; number <= 30; number++)
        void job(number, Math.random() * 100, Math.random() < 0.5).then(result => lines.push(String(result)))
      void job.close() // the original releases its last reference
    })
    const numbers = (what: string): number[] =>
      lines.filter(line => line.startsWith(what)).map(line => Number(line.split(' ')[1]))
    const all = Array.from({ length: 30 }, (_, i) => i + 1)
    assert.deepEqual(
      numbers('run').sort((a, b) => a - b),
      all,
    )
    assert.deepEqual(
      numbers('return').sort((a, b) => a - b),
      all,
    )
    for (const number of all) assert.ok(lines.indexOf(`run ${number}`) < lines.indexOf(`return ${number}`))
    assert.ok(isDestroyed)
  })
})
