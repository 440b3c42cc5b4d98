import assert from 'node:assert/strict'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
/** Longer than a quarter of the reader's buffer, so that its content moves often. */
const LENGTH = 20_000

// An event that follows a result in the same batch waits until the caller has seen the result.
describe('an event behind a result', () => {
  const { fork, track } = useConnections()

  for (const serialiser of ['cbor', 'json', 'v8'] as const) {
    it(`${serialiser}: arrives unchanged and in order, although onEvent makes calls`, async () => {
      const seen: unknown[] = []
      const results: Promise<unknown>[] = []
      const remote = connect<typeof Fixture>(fork(), worker, {
        serialiser,
        onEvent: (_, value) => {
          seen.push(value)
          if (Number(value) % 2 === 0) results.push(remote.first(value))
        },
      })
      track(rpcOf(remote))
      for (let i = 0; i < 600; i += 2) {
        const texts = await Promise.all([remote.eventThenText(i, 1), remote.eventThenText(i + 1, LENGTH)])
        assert.deepEqual(
          texts.map(({ length }) => length),
          [1, LENGTH],
        )
        assert.deepEqual(await Promise.all(results.splice(0)), [i])
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 600 }, (_, i) => i),
      )
    })
  }

  it('arrives unchanged and in order, although the caller aborts another call because of an error before it', async () => {
    const seen: unknown[] = []
    const remote = connect<typeof Fixture>(fork(), worker, { async: true, onEvent: (_, value) => seen.push(value) })
    track(rpcOf(remote))
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController()
      const other = remote.after.with({ signal: controller.signal })(1e9, 'x')
      const aborted = assert.rejects(other, { name: 'AbortError' })
      const text = remote.heldText()
      await remote.failThenReleaseText(i, LENGTH).catch(() => controller.abort())
      assert.equal((await text).length, LENGTH)
      await aborted
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 100 }, (_, i) => i),
    )
  })
})
