import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { ForkProcess } from '@anyfork/fork'
import { answer } from './support/answer.js'
import { census, childrenOf } from './support/census.js'

const busy = new URL('./fixtures/busy.js', import.meta.url)
const all = ['timers', 'files', 'crypto', 'zlib', 'http', 'garbage', 'loop']

describe('300 children at once', () => {
  it('each do timers, files, crypto, zlib, http, garbage and loops, and end with code 0', async function () {
    this.timeout(120_000)
    const template = ForkProcess.exec().require(busy)
    await template.ready()
    const before = census()
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        const child = template.fork()
        assert.deepEqual(await answer(await child.run(busy, 'doEverything')), all)
        assert.deepEqual(await child.exited, { code: 0, signal: null })
      }),
    )
    assert.deepEqual(childrenOf(template.pid!), [])
    assert.deepEqual(census(), before)
    await template.close()
  })
})
