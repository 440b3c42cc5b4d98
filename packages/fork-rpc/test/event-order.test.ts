import assert from 'node:assert/strict'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('an event that waits until the caller has seen the result before it', () => {
  const { fork, track } = useConnections()

  for (const serialiser of ['cbor', 'json', 'v8'] as const) {
    it(`is whole, and none is lost, though calls are made meanwhile (${serialiser})`, async () => {
      const told: unknown[] = []
      const answers: Promise<unknown>[] = []
      const remote = connect<typeof Fixture>(fork(), worker, {
        serialiser,
        onEvent: (_, value) => {
          told.push(value)
          if (Number(value) % 2 === 0) answers.push(remote.first(value))
        },
      })
      track(rpcOf(remote))
      for (let i = 0; i < 600; i += 2) {
        const results = await Promise.all([remote.tellThenGive(i, 1), remote.tellThenGive(i + 1, 20_000)])
        assert.deepEqual(
          results.map(({ length }) => length),
          [1, 20_000],
        )
        assert.deepEqual(await Promise.all(answers.splice(0)), [i])
      }
      assert.deepEqual(
        told,
        Array.from({ length: 600 }, (_, i) => i),
      )
    })
  }

  it('is whole, though a call is given up because of an error before it', async () => {
    const told: unknown[] = []
    const remote = connect<typeof Fixture>(fork(), worker, { async: true, onEvent: (_, value) => told.push(value) })
    track(rpcOf(remote))
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController()
      const other = assert.rejects(remote.after.with({ signal: controller.signal })(60_000, 'x'), {
        name: 'AbortError',
      })
      const given = remote.given()
      await remote.failThenGive(i, 20_000).catch(() => controller.abort())
      assert.equal((await given).length, 20_000)
      await other
    }
    assert.deepEqual(
      told,
      Array.from({ length: 100 }, (_, i) => i),
    )
  })
})
