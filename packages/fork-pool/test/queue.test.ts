import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Balancer, ForkProcess } from '@anyfork/fork-pool'
import { describe, it } from 'mocha'
import { reasonOf, until, usePools } from './support/pools.js'

function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

describe('calls that wait', () => {
  const start = usePools()

  it('are served by priority, and among equals by who came first', async () => {
    const sleep = start('sleep', { max: 1 })
    const order: unknown[] = []
    const call = async (priority: number, value: string): Promise<void> =>
      void order.push(await sleep.with({ priority })(0, value))
    await Promise.all([
      sleep(30),
      call(0, 'a'),
      call(-1, 'z'),
      call(5, 'first'),
      call(0, 'b'),
      call(5, 'second'),
      call(0.5, 'third'),
    ])
    assert.deepEqual(order, ['first', 'second', 'third', 'a', 'b', 'z'])
  })

  for (const [load, retries] of [
    [1, 1],
    [2, 0],
    [2, 1],
  ] as const) {
    it(`of a key keep their order when their worker dies, with load ${load} and ${retries} retries`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const act = start('exitOnce', { max: 3, idle: 1, load, retries })
      const keyed = act.with({ key: 'k' })
      await keyed(folder, 'warm')
      await until(() => act.workers.some(one => !one.load)) // to which they can move at once
      const order: unknown[] = []
      const note = async (file: string, value: string): Promise<unknown> =>
        order.push(await keyed(file, value).catch(() => 'lost'))
      await Promise.all([note(join(folder, 'once'), 'a'), ...['b', 'c', 'd', 'e'].map(value => note(folder, value))])
      rmSync(folder, { recursive: true })
      assert.deepEqual(order, [retries ? 'a' : 'lost', 'b', 'c', 'd', 'e'])
    })
  }

  it('keep their order when processes of their own cannot be started', async () => {
    const templates: ForkProcess[] = []
    let failures = 4
    const sleep = start('sleep', { isolate: true, max: 2 }, () => {
      if (templates.length && failures-- > 0)
        throw Object.assign(new Error('no descriptor is free'), { code: 'EMFILE', syscall: 'socketpair' })
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    templates[0]!.kill('SIGKILL')
    await until(() => !templates[0]!.isAlive)
    const calls = ['a', 'b', 'c'].map(value => reasonOf(sleep(60_000, value)))
    const begun = async (): Promise<unknown[]> =>
      (await sleep.stats()).workers.flatMap(({ running }) => running?.args[1] ?? [])
    await until(async () => (await begun()).length === 2)
    assert.deepEqual(await begun(), ['a', 'b'])
    await sleep.destroy()
    await Promise.all(calls)
  })

  it('keep their order when processes of their own die while they start', async () => {
    const templates: ForkProcess[] = []
    const sleep = start('sleep', { isolate: true, max: 3 }, () => {
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    await templates[0]!.ready()
    const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map(value => reasonOf(sleep(60_000, value)))
    templates[0]!.kill('SIGKILL')
    const begun = async (): Promise<unknown[]> =>
      (await sleep.stats()).workers.flatMap(({ running }) => running?.args[1] ?? [])
    await until(async () => (await begun()).length === 3)
    assert.deepEqual((await begun()).sort(), ['a', 'b', 'c'])
    await sleep.destroy()
    await Promise.all(calls)
  })

  it('are at most maxQueue; calls that only wait for a worker to start are not counted', async () => {
    const sleep = start('sleep', { max: 2, maxQueue: 1 })
    const calls = Array.from({ length: 5 }, () => sleep(20, 'done'))
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.equal((outcomes[3] as PromiseRejectedResult).reason.code, 'ERR_POOL_QUEUE_FULL')
    assert.equal(await sleep(1, 'again'), 'again')
  })

  it('of a key are at most maxQueue, too, whatever room others have', async () => {
    const sleep = start('sleep', { max: 3, idle: 2, maxQueue: 1 })
    await until(() => sleep.workers.length === 2)
    const keyed = sleep.with({ key: 'k' })
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => keyed(20)))
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.equal((outcomes[2] as PromiseRejectedResult).reason.code, 'ERR_POOL_QUEUE_FULL')
  })

  it('of a key do not count those that only wait for a worker to start', async () => {
    const sleep = start('sleep', { max: 2, maxQueue: 1 })
    const keyed = sleep.with({ key: 'k' })
    await keyed(0)
    const outcomes = await Promise.allSettled([keyed(20), sleep(20), keyed(20), keyed(20), sleep(20)])
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
  })

  it('with maxQueue 0, only calls that a worker has room for are taken', async () => {
    const sleep = start('sleep', { max: 1, load: 2, maxQueue: 0 })
    const outcomes = await Promise.allSettled([sleep(5), sleep(5), sleep(5)])
    assert.deepEqual(
      outcomes.map(one => one.status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
  })

  it('are gone when drained() resolves, also where none may wait: then it resolves when a call is taken', async () => {
    const sleep = start('sleep', { max: 1, maxQueue: 0 })
    let refused = 0
    const call = async (value: number): Promise<unknown> => {
      for (;;) {
        const reason = await reasonOf(sleep(20, value).then(result => (results.push(result), undefined)))
        if (reason?.code !== 'ERR_POOL_QUEUE_FULL') return reason
        refused++
        await sleep.drained()
      }
    }
    const results: unknown[] = []
    assert.deepEqual(await Promise.all([1, 2, 3].map(call)), [undefined, undefined, undefined])
    assert.deepEqual(results, [1, 2, 3])
    assert.ok(refused >= 2 && refused < 20, `${refused}`)
    const last = sleep(10_000)
    const drained = sleep.drained()
    await Promise.all([sleep.destroy(), reasonOf(last)])
    await drained
    const closing = start('countTo', { max: 1, maxQueue: 0 })
    const values = (await closing(2)) as AsyncIterator<number>
    const stillDrained = closing.drained()
    const closed = closing.close()
    await stillDrained
    while (!(await values.next()).done);
    await closed
  })

  it('are gone when drained() resolves; at once when none waits', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep.drained()
    const calls = [1, 2, 3].map(() => sleep(20))
    await sleep.drained()
    const { waiting, running } = (await sleep.stats()).calls
    assert.equal(waiting, 0)
    assert.ok(running <= 1)
    await Promise.all(calls)
  })

  it('leave nothing behind, however many priorities there were', async () => {
    const sleep = start('sleep', { max: 1 })
    const churn = (step: number): Promise<void>[] =>
      Array.from({ length: 10_000 }, (_, i) => {
        const abort = new AbortController()
        const dropped = assert.rejects(sleep.with({ priority: step * i, signal: abort.signal })(0))
        abort.abort()
        return dropped
      })
    const end = new AbortController()
    const endless = (priority: number): Promise<void> =>
      assert.rejects(sleep.with({ priority, signal: end.signal })(60_000))
    const running = [endless(0)]
    await until(() => sleep.workers.some(worker => worker.load))
    await Promise.all(churn(1))
    const before = heapUsed()
    await Promise.all(churn(2))
    assert.ok(heapUsed() - before < 300_000, `${heapUsed() - before} B more`)
    running.push(endless(Infinity)) // waits meanwhile
    await Promise.all(churn(-1))
    assert.ok(heapUsed() - before < 300_000, `${heapUsed() - before} B more`)
    end.abort()
    await Promise.all(running)
  })

  it('of one key go to one worker, those of others to others', async () => {
    const pid = start('pidAfter', { max: 3 })
    const of = async (key: unknown): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 6 }, () => pid.with({ key })(5)))
    const [a, b, c] = await Promise.all([of('a'), of('b'), of(3)])
    for (const pids of [a, b, c]) assert.equal(new Set(pids).size, 1)
    assert.equal(new Set([a![0], b![0], c![0]]).size, 3)
  })

  it('of a key do not hold up others while their worker is busy', async () => {
    const sleep = start('sleep', { max: 2 })
    await Promise.all([sleep.with({ key: 'k' })(20), sleep(20)])
    const order: unknown[] = []
    const note = async (call: Promise<unknown>): Promise<void> => void order.push(await call)
    await Promise.all([
      note(sleep.with({ key: 'k' })(150, 'k1')),
      note(sleep.with({ key: 'k' })(0, 'k2')),
      note(sleep(0, 'other')),
      note(sleep(0, 'another')),
    ])
    assert.deepEqual(order, ['other', 'another', 'k1', 'k2'])
  })

  it('of a key go to another worker when theirs has died, in their order', async () => {
    const act = start('doAs', { max: 2 })
    const keyed = act.with({ key: 'k' })
    const order: unknown[] = []
    const note = async (call: Promise<unknown>): Promise<void> =>
      void order.push(await call.catch(error => error.exitCode))
    await Promise.all([note(keyed('exit', 20)), note(keyed('a')), note(keyed('b')), note(keyed('c'))])
    assert.deepEqual(order, [3, 'a', 'b', 'c'])
  })

  it('of a key are served once their worker has room, even after a call that came before was made again elsewhere', async () => {
    let chosenFor: (value: unknown) => number | undefined = () => undefined
    const balancer: Balancer = (workers, [, value]) =>
      workers.find(({ pid }) => pid === chosenFor(value)) ?? workers[0]!
    const sleep = start('sleep', { max: 3, idle: 3, load: 2, async: true, balancer })
    await until(() => sleep.workers.length === 3)
    const [first, second, third] = sleep.workers.map(worker => worker.pid)
    chosenFor = () => first
    const keyed = sleep.with({ key: 'k' })
    await keyed(0)
    const others = [1, 2].map(() => sleep.with({ retries: 1 })(100, 'other'))
    const order: unknown[] = []
    const waiting = [keyed(1000, 'slow'), keyed(0, 'quick')].map(async call => order.push(await call))
    chosenFor = value => (value === 'other' ? third : second)
    process.kill(first!, 'SIGKILL')
    await Promise.all([...others, ...waiting])
    assert.deepEqual(order, ['quick', 'slow'])
  })

  it('go where the balancer says', async () => {
    const seen: unknown[] = []
    const balancer: Balancer = (workers, args) => {
      seen.push(args)
      return workers.reduce((a, b) => (a.calls <= b.calls ? a : b))
    }
    const pid = start('pidAfter', { max: 2, idle: 2, balancer })
    await until(() => pid.workers.length === 2)
    const pids = []
    for (let i = 0; i < 6; i++) pids.push(await pid(0))
    assert.equal(new Set(pids.slice(0, 2)).size, 2)
    assert.deepEqual(pids.slice(2), [...pids.slice(0, 2), ...pids.slice(0, 2)])
    assert.deepEqual(seen.at(-1), [0])
  })

  it('reject with what the balancer throws, and with a TypeError where it returns no worker', async () => {
    let balancer: Balancer = () => {
      throw new RangeError('no')
    }
    const pid = start('pid', { max: 1, balancer: (...args) => balancer(...args) })
    await assert.rejects(pid(), { name: 'RangeError', message: 'no' })
    balancer = () => ({}) as never
    await assert.rejects(pid(), TypeError)
    balancer = ([first]) => first!
    assert.equal(typeof (await pid()), 'number')
  })

  it('keep the asynchronous context of the caller; callbacks have that in which the pool was made', async () => {
    const context = new AsyncLocalStorage<string>()
    const told: unknown[] = []
    const balanced = new Set<unknown>()
    const balancer: Balancer = ([first]) => (balanced.add(context.getStore()), first!)
    const tell = context.run('maker', () =>
      start('tell', { max: 1, balancer, onEvent: value => told.push([value, context.getStore()]) }),
    )
    await Promise.all(
      ['one', 'two'].map(name =>
        context.run(name, async () => {
          await tell(name)
          assert.equal(context.getStore(), name)
        }),
      ),
    )
    assert.deepEqual(told, [
      ['one', 'maker'],
      ['two', 'maker'],
    ])
    await context.run('three', () => tell())
    assert.deepEqual([...balanced], ['maker'])
  })
})
