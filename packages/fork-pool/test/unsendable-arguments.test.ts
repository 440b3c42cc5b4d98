import assert from 'node:assert/strict'
import { fd } from '@anyfork/fork-pool'
import { openResources, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

const large = 'x'.repeat(2000)

/** Arguments that cannot be sent, and how their calls reject. */
const unsendable: [title: string, makeArgument: () => unknown, error: object][] = [
  ['a function', () => () => {}, { name: 'TypeError' }],
  ['a symbol', () => Symbol('x'), { name: 'TypeError' }],
  ['a promise', () => Promise.resolve(1), { name: 'TypeError' }],
  ['a function within an object', () => ({ list: [() => {}] }), { name: 'TypeError' }],
  ['an argument above maxMessageBytes', () => large, { name: 'RangeError' }],
  [
    'an argument whose getter throws',
    () => ({
      get value() {
        throw new RangeError('on purpose')
      },
    }),
    { message: 'on purpose' },
  ],
]

describe('unsendable arguments', () => {
  const start = usePools()

  for (const [title, makeArgument, error] of unsendable) {
    it(`a call with ${title} rejects at once while the only worker is busy`, async () => {
      const sleep = start('sleep', { max: 1, maxMessageBytes: 1000 })
      const busy = reasonOf(sleep(60_000))
      await until(() => sleep.workers[0]?.load === 1)
      await assert.rejects(sleep(makeArgument()), error)
      const { failed, waiting, running } = (await sleep.stats()).calls
      assert.deepEqual({ failed, waiting, running }, { failed: 1, waiting: 0, running: 1 })
      await sleep.destroy()
      await busy
    })
  }

  it('a call with an unsendable argument starts no worker', async () => {
    for (const options of [{ max: 2 }, { max: 2, isolate: true }]) {
      const echo = start('echo', options)
      await assert.rejects(
        echo(() => {}),
        TypeError,
      )
      assert.equal((await echo.stats()).started, 0)
      assert.equal(await echo('the next call'), 'the next call')
    }
  })

  it('a call with an unsendable argument closes its descriptors and leaves its iterators alone', async () => {
    const echo = start('echo', { max: 1 })
    await echo(1)
    const before = openResources().descriptors.length
    const values = [1, 2, 3].values()
    await assert.rejects(
      echo(fd(0), { nested: [fd(0)] }, values, () => {}),
      TypeError,
    )
    assert.equal(openResources().descriptors.length, before)
    assert.deepEqual([...values], [1, 2, 3])
  })

  it('a call rejects with the error of a serialiser that does not load', async () => {
    const serialiser = new URL('./fixtures/absent-serialiser.js', import.meta.url)
    const echo = start('echo', { max: 1, serialiser })
    assert.equal((await reasonOf(echo(1)))?.code, 'MODULE_NOT_FOUND')
    assert.equal((await reasonOf(echo(2)))?.code, 'MODULE_NOT_FOUND')
  })
})
