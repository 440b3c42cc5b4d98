import assert from 'node:assert/strict'
import { connect, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'
import { stop } from './support/process-state.js'

const serialisers: NonNullable<RpcOptions['serialiser']>[] = [
  'cbor',
  'json',
  'v8',
  'octets',
  new URL('./fixtures/reusing-serialiser.js', import.meta.url),
]
/** The length of each argument: the frames of calls are together, on their own, or larger than a socket takes. */
const lengths = [10, 3000, 100_000]

describe('captured arguments', () => {
  const { fork, start, track } = useConnections()

  for (const serialiser of serialisers) {
    const name = serialiser instanceof URL ? 'a serialiser of its own' : serialiser
    const capture = (argument: unknown[], call: (text: unknown) => Promise<unknown>): Promise<unknown>[] =>
      lengths.map(length => {
        argument[0] = 'x'.repeat(length)
        return call(serialiser === 'octets' ? argument[0] : argument)
      })
    const expected = lengths.map(length => (serialiser === 'octets' ? 'x'.repeat(length) : ['x'.repeat(length)]))

    it(`a call that is made before the process serves gets its arguments as they were then, with ${name}`, async () => {
      const argument: unknown[] = []
      const calls = capture(argument, start('first', { serialiser }))
      argument[0] = 'changed'
      assert.deepEqual(await Promise.all(calls), expected)
    })

    it(`a call that waits for room in the socket gets its arguments as they were when it was made, with ${name}`, async () => {
      const first = start('first', { serialiser })
      await first.ready()
      stop(first.pid!)
      const argument: unknown[] = []
      const calls = [first('x'.repeat(500_000)), ...capture(argument, first), ...capture(argument, first)]
      argument[0] = 'changed'
      await new Promise(setImmediate) // the socket is full now
      process.kill(first.pid!, 'SIGCONT')
      assert.deepEqual((await Promise.all(calls)).slice(1), [...expected, ...expected])
    })
  }

  it('a reused buffer arrives as it was at each call, and in each value of a stream', async () => {
    const remote = connect<typeof Fixture>(fork(), new URL('./fixtures/worker.js', import.meta.url))
    track(rpcOf(remote))
    const buffer = Buffer.alloc(2)
    const results = [1, 2, 3].map(number => remote.first(buffer.fill(number)))
    function* values(): Generator<Buffer> {
      for (let number = 1; number <= 3; number++) yield buffer.fill(number)
    }
    const streamed = remote.collect(values())
    const expected = [1, 2, 3].map(number => Buffer.alloc(2, number))
    assert.deepEqual(await Promise.all(results), expected)
    assert.deepEqual(await streamed, expected)
  })

  it('a call that cannot be encoded rejects before the process serves, and leaves nothing behind', async () => {
    const first = start('first')
    await assert.rejects(
      first(() => {}),
      TypeError,
    )
    assert.equal(first.pid, undefined)
    assert.equal(first.counters.pending, 0)
    assert.equal(await first(1), 1)
  })
})
