import assert from 'node:assert/strict'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isSoak, openResources } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

const busy = new URL('./fixtures/typical-work.js', import.meta.url)
const activities = ['timers', 'files', 'crypto', 'zlib', 'http', 'garbage', 'loop']

const CHILDREN = isSoak ? 150 : 3

describe('concurrent children', () => {
  it(`${CHILDREN} concurrent children use timers, files, crypto, zlib, and http, collect garbage, and end with code 0`, async () => {
    const template = ForkProcess.exec().require(busy)
    await template.ready()
    const before = openResources()
    await Promise.all(
      Array.from({ length: CHILDREN }, async () => {
        const child = template.fork()
        assert.deepEqual(await answer(await child.run(busy, 'doEverything')), activities)
        assert.deepEqual(await child.exited, { code: 0, signal: null })
      }),
    )
    assert.deepEqual(childrenOf(template.pid!), [])
    await assertNothingLeft(before)
    await template.close()
  })
})
