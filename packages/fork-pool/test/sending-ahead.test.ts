import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { ForkPool, PoolOptions } from '@anyfork/fork-pool'
import { isSoak, PATIENCE_MS, Random, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools } from './support/pools.js'

const ROUNDS = isSoak ? 100 : 2
const CALLS = 64
/** How long to wait for a worker to begin its next call if it has one, in milliseconds. */
const GO_ON_MS = 100

type Exchange = (words: Int32Array, index: number, expected: number, replacement: number) => number

describe('sending calls ahead', () => {
  const start = usePools()
  const pathOf = useFolder()

  /** Returns a pool of `record` that sends calls ahead. Its calls so far have recorded nothing in `file`. */
  async function startAhead(options: PoolOptions): Promise<ForkPool> {
    const record = start('record', options)
    await untilAhead(record)
    return record
  }

  /** Makes short calls until one of them has been sent ahead. */
  async function untilAhead(record: ForkPool): Promise<void> {
    const warmUp = pathOf('warm-up')
    let isAhead = false
    const look = (): boolean => (isAhead ||= record.workers.some(({ load }) => load > 1))
    for (const end = performance.now() + PATIENCE_MS; !isAhead; assert.ok(performance.now() < end))
      await Promise.all(Array.from({ length: CALLS }, () => record(warmUp, 0).then(look)))
  }

  const recorded = (file: string): number[] =>
    existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
  /** Blocks until a condition holds, or for so many milliseconds. Returns whether it holds. */
  const blockUntil = (isMet: () => boolean, most: number): boolean => {
    for (const end = performance.now() + most; !isMet(); ) if (performance.now() > end) return false
    return true
  }
  const numbers = Array.from({ length: CALLS }, (_, i) => i)
  const sorted = (list: number[]): number[] => list.toSorted((a, b) => a - b)

  it('calls behind one that blocks its worker move to another worker, and run once', async () => {
    const record = await startAhead({ max: 2, idle: 2 })
    for (let round = 0; round < ROUNDS; round++) {
      const file = pathOf(`calls ${round}`)
      const release = pathOf(`release ${round}`)
      let hasReturned = false
      const calls = numbers.map(number =>
        number === 40
          ? record(file, number, release).then(() => (hasReturned = true))
          : record(file, number).then(() => assert.ok(!hasReturned)),
      )
      await Promise.all(calls.filter((_, number) => number !== 40))
      writeFileSync(release, '')
      await calls[40]
      assert.deepEqual(sorted(recorded(file)), numbers)
    }
  })

  it('a call that kills its worker costs no other call, and no other call runs twice', async () => {
    const record = await startAhead({ max: 2, idle: 2 })
    for (let round = 0; round < ROUNDS; round++) {
      await untilAhead(record)
      const file = pathOf(`calls ${round}`)
      const calls = numbers.map(number => reasonOf(record(file, number, number === 40 ? 'kill' : undefined)))
      for (const [number, reason] of (await Promise.all(calls)).entries())
        assert.equal(reason?.code, number === 40 ? 'ERR_PROCESS_EXITED' : undefined, `call ${number}`)
      assert.deepEqual(sorted(recorded(file)), numbers)
    }
    assert.equal((await record.stats()).calls.lost, ROUNDS)
  })

  it('an aborted call costs no other call, and no other call runs twice', async () => {
    const record = await startAhead({ max: 2, idle: 2 })
    for (let round = 0; round < ROUNDS; round++) {
      await untilAhead(record)
      const file = pathOf(`calls ${round}`)
      const controller = new AbortController()
      const aborted = record.with({ signal: controller.signal })
      const calls = numbers.map(number => (number === 40 ? aborted(file, number, 'never') : record(file, number)))
      await until(() => recorded(file).includes(40))
      controller.abort()
      await assert.rejects(calls[40]!, { name: 'AbortError' })
      await Promise.all(calls.filter((_, number) => number !== 40))
      assert.deepEqual(sorted(recorded(file)), numbers)
    }
  })

  it('a call with a higher priority begins before those that were sent ahead', async () => {
    const record = await startAhead({ max: 1 })
    for (let round = 0; round < ROUNDS; round++) {
      const file = pathOf(`calls ${round}`)
      const release = pathOf(`release ${round}`)
      const calls = numbers.map(number => record(file, number, number === 20 ? release : undefined))
      await until(() => recorded(file).includes(20))
      calls.push(record.with({ priority: 1 })(file, 100))
      writeFileSync(release, '')
      await Promise.all(calls)
      assert.deepEqual(recorded(file), [...numbers.slice(0, 21), 100, ...numbers.slice(21)])
    }
  })

  it('calls of a single worker begin in the order in which they are made', async () => {
    const record = await startAhead({ max: 1 })
    const file = pathOf('calls')
    await Promise.all(numbers.map(number => record(file, number)))
    assert.deepEqual(recorded(file), numbers)
  })

  it('calls of a single worker begin in order even if it goes on while they are taken back', async () => {
    const record = await startAhead({ max: 1 })
    const compareExchange = Atomics.compareExchange as Exchange
    for (let round = 0, done = 0; done < ROUNDS; round++) {
      await untilAhead(record)
      const file = pathOf(`calls ${round}`)
      const release = pathOf(`release ${round}`)
      let hasGoneOn: boolean | undefined
      /** Takes one call back, and lets the worker begin others before the next is taken back. */
      const slowly = (...args: Parameters<Exchange>): number => {
        const claim = compareExchange(...args)
        if (hasGoneOn !== undefined || !existsSync(file)) return claim
        const begun = recorded(file).length
        writeFileSync(release, '')
        hasGoneOn = blockUntil(() => recorded(file).length > begun, GO_ON_MS) // not if the others are still to be sent
        return claim
      }
      Atomics.compareExchange = slowly as typeof Atomics.compareExchange
      try {
        const calls = numbers.map(number => record(file, number, number === 20 ? release : undefined))
        await until(() => recorded(file).includes(20))
        const isAhead = (record.workers[0]?.load ?? 0) > 1 // on a busy machine, calls may have taken too long for that
        if (!isAhead) writeFileSync(release, '')
        await Promise.all(calls)
      } finally {
        Atomics.compareExchange = compareExchange as typeof Atomics.compareExchange
      }
      if (hasGoneOn) done++
      assert.deepEqual(recorded(file), numbers)
    }
  })

  it('a call that was sent ahead counts as waiting until it begins', async () => {
    const record = await startAhead({ max: 1, maxQueue: CALLS - 1 })
    const file = pathOf('calls')
    let looked = 0
    const look = async (): Promise<void> => {
      if (record.workers[0]!.load < 2) return
      const { calls } = await record.stats() // counts before it waits
      looked++
      assert.equal(calls.running, 1)
      assert.ok(calls.waiting >= 1)
    }
    for (let round = 0; round < ROUNDS || !looked; round++) {
      const calls = numbers.map(number => record(file, number).then(look))
      assert.equal((await reasonOf(record(file, 0)))?.code, 'ERR_POOL_QUEUE_FULL')
      await Promise.all(calls)
    }
  })

  it('drained() resolves when the last call that was sent ahead begins', async () => {
    const record = await startAhead({ max: 1 })
    const file = pathOf('calls')
    const release = pathOf('release')
    const calls = numbers.map(number => record(file, number, number === CALLS - 1 ? release : undefined))
    await record.drained()
    writeFileSync(release, '')
    await Promise.all(calls)
  })

  it('close() waits for calls that were sent ahead, and destroy() rejects them', async () => {
    for (const [end, code] of [['close', undefined] as const, ['destroy', 'ERR_POOL_DESTROYED'] as const]) {
      const record = await startAhead({ max: 1 })
      const file = pathOf(end)
      let hasEnded: Promise<void> | undefined
      const calls = numbers.map(number =>
        reasonOf(
          record(file, number).then(() => {
            if (number === 20) hasEnded = record[end]()
          }),
        ),
      )
      const reasons = await Promise.all(calls)
      await hasEnded
      assert.equal(reasons[20], undefined)
      assert.equal(reasons.at(-1)?.code, code)
    }
  })

  for (const [what, options] of [
    ['with a balancer', { balancer: workers => workers[0]! }],
    ['with load 1', { load: 1 }],
    ['in an async pool', { async: true }],
  ] as [string, PoolOptions][])
    it(`no call is sent ahead ${what}`, async () => {
      const record = start('record', { max: 2, ...options })
      const file = pathOf('calls')
      for (let round = 0; round < 5; round++)
        await Promise.all(
          numbers.map(number =>
            record(file, number).then(() => assert.ok(record.workers.every(({ load }) => load <= 1))),
          ),
        )
    })

  it('no call runs twice when calls block, kill, and abort at random, and each settles', async function () {
    this.timeout(PATIENCE_MS * (isSoak ? 20 : 2))
    const seed = 1 + (Date.now() % 1e6)
    const random = new Random(seed)
    const record = await startAhead({ max: 3 })
    for (let round = 0; round < ROUNDS; round++) {
      await untilAhead(record)
      const file = pathOf(`calls ${round}`)
      const release = pathOf(`release ${round}`)
      const calls = Array.from({ length: 300 }, (_, number) => {
        const kind = random.below(60)
        const signal = AbortSignal.timeout(1 + random.below(20))
        const priority = random.isOneIn(20) ? 1 : 0
        if (kind === 0) return record(file, number, 'kill')
        if (kind === 1) return record.with({ signal })(file, number, 'never')
        if (kind === 2) return record.with({ timeout: 5 })(file, number, release)
        if (kind < 10) return record.with({ signal, priority })(file, number)
        return record.with({ priority })(file, number)
      })
      const outcomes = await Promise.allSettled(calls)
      const list = recorded(file)
      assert.equal(new Set(list).size, list.length, `seed ${seed}`)
      for (const [number, { status }] of outcomes.entries())
        if (status === 'fulfilled') assert.ok(list.includes(number))
    }
  })
})
