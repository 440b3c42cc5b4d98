import assert from 'node:assert/strict'
import { type Rounds, runInterleaved } from '@anyfork/benchmarks/harness/interleaved-runs'
import { describe, it } from 'mocha'

/** Some benchmarks, whose rounds move a clock of their own. */
class FakeRun {
  #time = 1e6
  /** The names of benchmarks in the order of their rounds. */
  taken = ''
  /** The names of those whose last rounds were left out. */
  leftOut = ''

  /** @param rounds - how many minutes each round of each benchmark takes, by the name of the benchmark */
  async run(rounds: Record<string, readonly number[]>, minutes = Infinity): Promise<void> {
    const benchmarks = Object.entries(rounds).map(([name, lengths]) => this.#benchmark(name, [...lengths], minutes))
    await runInterleaved(benchmarks, {
      minutes,
      now: () => this.#time,
      onRound: ({ name }) => void (this.taken += name),
    })
  }

  #benchmark(name: string, lengths: number[], minutes: number): Rounds & { name: string } {
    return {
      name,
      get isComplete() {
        return !lengths.length
      },
      runRound: async () => void (this.#time += lengths.shift()! * 60_000),
      leaveOutRest: limit => {
        assert.equal(limit, minutes)
        this.leftOut += name
      },
    }
  }
}

describe('runInterleaved', () => {
  for (const [what, rounds, minutes, taken, leftOut] of [
    ['takes a round of each benchmark before the next of any', { a: [1, 1, 1], b: [1, 1], c: [1] }, 6, 'abcaba', ''],
    ['takes all rounds if there is no limit', { a: [1e6, 1e6], b: [1e6] }, undefined, 'aba', ''],
    ['takes the first rounds even if they exceed the limit', { a: [5, 1], b: [5, 1], c: [5] }, 2, 'abc', 'ab'],
    ['takes a round that just fits', { a: [2, 2] }, 4, 'aa', ''],
    ['leaves out a round that does not fit, but takes shorter ones of others', { a: [4, 4], b: [1, 1] }, 7, 'abb', 'a'],
    ['expects a round to take as long as the longest before', { a: [1, 3, 1], b: [2, 2] }, 10, 'abab', 'a'],
    ['takes no further round of a benchmark after one was left out', { a: [4, 4, 1], b: [1, 1, 1] }, 7, 'abbb', 'a'],
  ] as const)
    it(what, async () => {
      const fake = new FakeRun()
      await fake.run(rounds, minutes)
      assert.deepEqual([fake.taken, fake.leftOut], [taken, leftOut])
    })

  it('waits for the listener before the next round', async () => {
    const events: string[] = []
    let isComplete = false
    const benchmark = {
      get isComplete() {
        return isComplete
      },
      async runRound() {
        isComplete = events.length > 0
        events.push('round')
      },
      leaveOutRest() {},
    }
    await runInterleaved([benchmark], {
      async onRound() {
        await null
        events.push('reported')
      },
    })
    assert.deepEqual(events, ['round', 'reported', 'round', 'reported'])
  })
})
