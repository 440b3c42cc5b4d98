import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/value-kinds.js'
import { checkReceived, renderTable, serialisers, valueKinds } from './fixtures/value-kinds.js'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/value-kinds.js', import.meta.url)
/** The documentation lists what exists in the newest versions of Node. */
const isNewest = 'Float16Array' in globalThis

describe('kinds of values', () => {
  const { fork, track } = useConnections()

  for (const serialiser of serialisers) {
    it(`${serialiser}: each kind of value arrives as documented, in both directions, as event and in streams`, async () => {
      const received: unknown[] = []
      const onEvent = (value: unknown): void => void received.push(value)
      const remote = connect<typeof Fixture>(fork(), worker, { serialiser, onEvent })
      track(rpcOf(remote))
      const problems: string[] = []
      for (const [name, { make, outcomes }] of valueKinds) {
        const outcome = outcomes[serialiser]
        const error = outcome === 'TypeError' || outcome === 'RangeError' ? outcome : undefined
        const record = (direction: string, what: unknown): void => {
          if (what !== undefined) problems.push(`${name}, ${direction}: ${String(what)}`)
        }
        const isOctets = serialiser === 'octets' // its calls carry only text
        await check('args', () => (isOctets ? remote.first(make()) : remote.take(name, serialiser, make())))
        await check('result', () => remote.give(name))
        await check('values', async () => {
          await remote.giveAsEvent(name)
          return received.pop()
        })
        await check('value', async () => {
          for await (const value of remote.giveAsStream(name)) return value
          return 'no value'
        })

        async function check(origin: string, send: () => unknown): Promise<void> {
          let value: unknown
          try {
            value = await send()
          } catch (reason) {
            const { name: thrown, message } = reason as Error
            const index = origin === 'args' ? (isOctets ? '[0]' : '[2]') : origin === 'values' ? '[0]' : ''
            const isExpected = thrown === error && message.includes(`${origin}${index}`)
            return record(origin, isExpected ? undefined : `${thrown}: ${message}`)
          }
          if (error) record(origin, `no ${error}`)
          else
            record(
              origin,
              origin === 'args' && !isOctets ? (value ?? undefined) : checkReceived(name, serialiser, value),
            )
        }
      }
      assert.deepEqual(problems, [])
    })
  }

  it('docs/VALUES.md lists each kind and its outcomes', function () {
    if (!isNewest) return this.skip()
    const page = readFileSync(new URL('../../../../docs/VALUES.md', import.meta.url), 'utf8')
    const table = page
      .split('\n')
      .filter(line => line.startsWith('|'))
      .join('\n')
    assert.equal(table, renderTable())
  })
})
