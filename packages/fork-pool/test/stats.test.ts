import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { block, drain, reasonOf, usePools } from './support/pools.js'

describe('stats()', () => {
  const start = usePools()
  const pathOf = useFolder()

  it('stats() counts calls by their outcome', async () => {
    const act = start('doAs', { max: 1 })
    const abort = new AbortController()
    const calls = [
      act('a'),
      act('throw'),
      act('exit'),
      act.with({ timeout: 20 })('loop'),
      act.with({ signal: abort.signal })('b'),
      act.with({ retries: 1 })('kill'),
    ]
    abort.abort()
    await Promise.allSettled(calls)
    const { calls: counts } = await act.stats()
    assert.deepEqual(counts, {
      done: 1,
      failed: 5,
      lost: 2,
      timedOut: 1,
      aborted: 1,
      retried: 1,
      rejected: 0,
      waiting: 0,
      waitingBytes: 0,
      running: 0,
    })
  })

  it('rejected counts the calls that were not accepted, which are in no other count', async () => {
    const act = start('doAs', { max: 1, maxQueue: 1 })
    assert.equal(await act('a'), 'a')
    const calls = [act('b', 50), act('c'), act('d'), act.with({ signal: AbortSignal.abort() })('e')]
    const reasons = (await Promise.all(calls.map(reasonOf))).map(reason => reason && (reason.code ?? reason.name))
    assert.deepEqual(reasons, [undefined, undefined, 'ERR_POOL_QUEUE_FULL', reasons[3]])
    await act.close()
    assert.equal((await reasonOf(act('f')))?.code, 'ERR_POOL_CLOSED')
    const { done, failed, aborted, rejected } = (await act.stats()).calls
    assert.deepEqual({ done, failed, aborted, rejected }, { done: 3, failed: 0, aborted: 0, rejected: 3 })
  })

  it('the message of ERR_POOL_QUEUE_FULL says how many calls are waiting', async () => {
    const act = start('doAs', { max: 1, maxQueue: 1 })
    await act('a')
    const calls = [act('b', 50), act('c')]
    assert.equal(
      (await reasonOf(act('d')))?.message,
      'the queue is full: 1 call is waiting for a worker, with 3 bytes of arguments',
    )
    await Promise.all(calls)
  })

  it('wait and run record how long calls waited and ran, in nanoseconds', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep(0)
    await Promise.all([sleep(50), sleep(50)])
    const { wait, run } = await sleep.stats()
    assert.deepEqual([wait.count, run.count], [3, 3])
    assert.ok(run.max > 45e6 && run.min < run.max, `ran ${run.min} to ${run.max}`)
    assert.ok(wait.max > 45e6 && wait.min < wait.max, `waited ${wait.min} to ${wait.max}`)
  })

  it('wait and run omit calls that failed before their turn', async () => {
    const sleep = start('sleep', { max: 1, load: 2 })
    const [first, second] = await Promise.allSettled([sleep(20), sleep(() => {})]) // a function cannot be sent
    assert.deepEqual([first!.status, second!.status], ['fulfilled', 'rejected'])
    const { calls, wait, run } = await sleep.stats()
    assert.deepEqual([calls.done, calls.failed, wait.count, run.count], [1, 1, 1, 1])
  })

  it('died counts workers that exit during their last call', async () => {
    for (const options of [{ isolate: true }, { recycle: { calls: 1 } }]) {
      const act = start('doAs', { max: 2, ...options })
      await Promise.allSettled([act('exit'), act('kill'), act('a'), act.with({ timeout: 20 })('loop')])
      await until(async () => (await act.stats()).workers.length === 0)
      const { started, died } = await act.stats()
      assert.deepEqual({ started, died }, { started: 4, died: 2 })
    }
  })

  it('utilisation is the fraction of their time that workers were busy', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep(50)
    const busy = (await sleep.stats()).utilisation
    const { upMilliseconds } = await sleep.stats()
    await until(async () => (await sleep.stats()).upMilliseconds > 2 * upMilliseconds)
    const idle = (await sleep.stats()).utilisation
    assert.ok(busy > 0 && busy <= 1, `${busy}`)
    assert.ok(idle < busy && idle > 0, `${idle}`)
  })

  for (const options of [{ isolate: true }, { recycle: { calls: 1 } }, { async: true, recycle: { calls: 1 } }]) {
    it(`a worker with its last call is busy, with ${Object.keys(options).join(' and ')}`, async () => {
      const sleep = start('sleep', { max: 2, ...options })
      const calls = [sleep(60_000), sleep(60_000)].map(reasonOf)
      await until(async () => (await sleep.stats()).calls.running === 2 && sleep.workers.length === 2)
      assert.deepEqual(
        sleep.workers.map(({ state, load }) => [state, load]),
        [
          ['busy', 1],
          ['busy', 1],
        ],
      )
      assert.deepEqual(
        (await sleep.stats()).workers.map(({ state }) => state),
        ['busy', 'busy'],
      )
      await sleep.destroy()
      await Promise.all(calls)
    })
  }

  it('a call that yields counts as running until its stream ends', async () => {
    const countUntil = start('countUntil', { max: 1 })
    const release = pathOf('release')
    const values = countUntil(3, release) as unknown as AsyncIterable<number>
    let running = 0
    for await (const value of values) {
      if (value < 3) continue
      ;({ running } = (await countUntil.stats()).calls)
      writeFileSync(release, '')
    }
    assert.equal(running, 1)
    const { calls, run, wait } = await countUntil.stats()
    assert.deepEqual([calls.done, calls.running, run.count, wait.count], [1, 0, 1, 1])
    assert.ok(run.max > 0)
  })

  for (const async of [false, true]) {
    it(`stats() counts the streams of ${async ? 'an asynchronous' : 'a synchronous'} pool by their outcome`, async () => {
      const count = start('countAs', { max: 1, async })
      const read = async (how: string, signal?: AbortSignal): Promise<void> => {
        const values = (signal ? count.with({ signal })(how) : count(how)) as unknown as AsyncIterable<number>
        for await (const value of values) if (value === 1 && how === 'leave') break
      }
      await read('end')
      await read('leave')
      await reasonOf(read('throw'))
      await reasonOf(read('die'))
      const abort = new AbortController()
      const reading = reasonOf(read('wait', abort.signal))
      await until(async () => (await count.stats()).calls.running === 1)
      abort.abort()
      assert.equal((await reading)?.name, 'AbortError')
      await until(async () => (await count.stats()).calls.running === 0)
      const { done, failed, lost, aborted } = (await count.stats()).calls
      assert.deepEqual({ done, failed, lost, aborted }, { done: 2, failed: 3, lost: 1, aborted: 1 })
    })
  }

  it('a stream whose function has thrown before its values are read counts as failed', async () => {
    const count = start('countAs', { max: 1 })
    await count('end')
    const call = count('throw')
    await setImmediate() // it has been sent
    block(50) // the whole stream arrives at once
    const values = (await call) as AsyncIterator<number>
    await assert.rejects(drain(values), { message: 'on purpose' })
    assert.deepEqual((await count.stats()).calls, {
      done: 1,
      failed: 1,
      lost: 0,
      timedOut: 0,
      aborted: 0,
      retried: 0,
      rejected: 0,
      waiting: 0,
      waitingBytes: 0,
      running: 0,
    })
  })

  it('an unread stream whose worker dies counts as lost', async () => {
    const count = start('countAs', { max: 1, async: true })
    const values = (await count('wait')) as AsyncIterator<number>
    process.kill(count.workers[0]!.pid, 'SIGKILL')
    await until(async () => (await count.stats()).calls.lost === 1)
    assert.equal((await count.stats()).calls.running, 0)
    await assert.rejects(drain(values), { code: 'ERR_PROCESS_EXITED' })
  })

  it('stats() reports the running call and the memory of each worker', async () => {
    const sleep = start('sleep', { max: 2 })
    await sleep(0)
    const call = reasonOf(sleep(60_000, 'x'))
    await until(() => sleep.workers.some(one => one.load === 1))
    const { workers, template } = await sleep.stats()
    const busy = workers.find(one => one.state === 'busy')!
    assert.deepEqual(busy.running!.args, [60_000, 'x'])
    assert.ok(busy.running!.milliseconds >= 0)
    assert.ok(busy.memory!.rss >= busy.memory!.pss && busy.memory!.pss >= busy.memory!.uss)
    assert.ok(busy.memory!.uss > 0 && template.memory!.uss > 0)
    await sleep.destroy()
    await call
  })
})
