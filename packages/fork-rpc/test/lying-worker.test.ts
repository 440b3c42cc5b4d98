import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { connect, type Remote, rpcOf } from '@anyfork/fork-rpc'
import { isSoak, openDescriptors, until } from '@anyfork/test-support'
import { after, describe, it } from 'mocha'
import type * as worker from './fixtures/lying-worker.js'
import { textOf } from './fixtures/lying-worker.js'
import { type Attack, attacks } from './support/attacks.js'
import { useConnections } from './support/connections.js'

const module = new URL('./fixtures/lying-worker.js', import.meta.url)
const MIB = 1 << 20
const MAX_MESSAGE_BYTES = 64 * MIB
/** How much memory this process may need beyond the largest message. */
const MARGIN = 64 * MIB
/** Outside of a soak, one in so many attacks is tried. */
const SAMPLE = 24

/** Returns the resident memory of this process, now or at its peak, from proc_pid_status(5), in bytes. */
function residentMemory(which: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`^${which}:\\s+(\\d+)`, 'm').exec(status)![1]) * 1024
}

/** Sets the peak to what is resident now, see proc_pid_clear_refs(5). */
function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5')
}

describe('a lying worker', () => {
  const { fork, track } = useConnections()
  const report: string[] = []

  after(() => {
    if (isSoak)
      console.log(
        ['| attack | outcome | peak memory | descriptors | time |', '|---|---|---|---|---|', ...report].join('\n'),
      )
  })

  /** Attacks. Returns what became of the call. */
  async function outcomeOf(attack: Attack, liar: Remote<typeof worker>): Promise<string> {
    try {
      const value = (await liar.lie(textOf(attack))) as unknown
      for (let i = 0; i < 3; i++) await setImmediate() // the event loop handles what has come over the other socket
      await liar.echo('')
      return value === 'sent' ? 'goes on' : `goes on, result of type ${typeof value}`
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException
      return code ?? name
    }
  }

  for (const [i, unmade] of attacks.entries()) {
    if (!isSoak && i % SAMPLE) continue
    const attack = { ...unmade } // makes its bytes now, so that the memory for this does not count
    it(`that sends ${attack.name} harms neither its owner nor another worker`, async () => {
      const { serialiser = 'cbor' } = attack
      const open = (onEvent: () => void): Remote<typeof worker> => {
        const options = { onEvent, onError: () => {}, maxMessageBytes: MAX_MESSAGE_BYTES }
        const remote = connect<typeof worker>(fork(), module, options)
        track(rpcOf(remote))
        return remote
      }
      const before = openDescriptors()
      const bystander = open(() => assert.fail('an event of the other worker'))
      const liar = connect<typeof worker>(fork(), module, {
        onEvent: () => {},
        onError: () => {},
        maxMessageBytes: MAX_MESSAGE_BYTES,
        serialiser,
      })
      track(rpcOf(liar))
      await bystander.echo(0)
      await rpcOf(liar).ready()
      const waiting = bystander.echo('during')
      forgetPeak()
      const atRest = residentMemory('VmRSS')
      const startedAt = performance.now()
      const outcome = await outcomeOf(attack, liar)
      const took = performance.now() - startedAt
      const grown = residentMemory('VmHWM') - atRest
      assert.equal(await waiting, 'during')
      assert.equal(await bystander.echo('after'), 'after')
      await Promise.all([rpcOf(liar).destroy(), rpcOf(bystander).destroy()])
      await until(() => openDescriptors() <= before)
      report.push(
        `| ${attack.name} | ${outcome} | ${(grown / MIB).toFixed()} MiB | ${before} → ${openDescriptors()} | ${took.toFixed()} ms |`,
      )
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
      if (isSoak) assert.ok(grown <= MAX_MESSAGE_BYTES + MARGIN, `${grown / MIB} MiB`)
    })
  }
})
