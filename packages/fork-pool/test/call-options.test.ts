import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { isRunning, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools } from './support/pools.js'

describe('call options', () => {
  const start = usePools()
  const pathOf = useFolder()

  it('an aborted signal rejects the call at once with its reason, and starts no worker', async () => {
    const pid = start('pid')
    await assert.rejects(pid.with({ signal: AbortSignal.abort(new Error('mine')) })(), { message: 'mine' })
    assert.equal((await pid.stats()).started, 0)
  })

  it('an aborted waiting call leaves the queue and never runs', async () => {
    const note = start('note', { max: 1 })
    const file = pathOf('aborted')
    const first = note(pathOf('first'), 'x')
    const abort = new AbortController()
    const waiting = note.with({ signal: abort.signal })(file, 'x')
    abort.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
    await first
    await note(pathOf('third'), 'x')
    assert.ok(!existsSync(file))
  })

  it('aborting a running call ends its worker; the next call runs in another one', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep(0)
    const { pid } = sleep.workers[0]!
    const abort = new AbortController()
    const running = sleep.with({ signal: abort.signal })(60_000)
    const next = sleep(0, 'next')
    abort.abort()
    await assert.rejects(running, { name: 'AbortError' })
    assert.equal(await next, 'next')
    await until(() => !isRunning(pid))
  })

  it('a call that has settled leaves no listener on its signal', async () => {
    const pid = start('pid')
    const { signal } = new AbortController()
    for (let i = 0; i < 20; i++) await pid.with({ signal })()
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('timeout ends an endless loop, and rejects only its call', async () => {
    const act = start('doAs', { max: 1, load: 4 })
    const calls = [act('a'), act.with({ timeout: 50 })('loop'), act('b'), act('c')]
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual(
      outcomes.map(one => (one.status === 'fulfilled' ? one.value : one.reason.code)),
      ['a', 'ERR_POOL_TIMEOUT', 'b', 'c'],
    )
  })

  it('timeout does not count the time that a call waits behind others', async () => {
    const wait = start('waitForFile', { max: 1, load: 2 })
    await wait('/dev/null', 'warm')
    const file = pathOf('open')
    const running = wait(file, 'running')
    let isLate = false
    const waiting = reasonOf(wait.with({ timeout: 20 })(file, 'waiting')).finally(() => (isLate = true))
    await setTimeout(60)
    assert.ok(!isLate)
    writeFileSync(file, '')
    assert.equal(await running, 'running')
    await waiting // on a busy machine, its 20 ms may end before the answer comes
  })

  it('timeout goes on for a running call when the call behind it cannot be sent', async () => {
    const sleep = start('sleep', { max: 1, load: 2, timeout: 60_000 })
    await sleep(0)
    const timers = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
    const before = timers()
    const running = (): number => sleep.workers[0]!.running!.milliseconds
    const end = new AbortController()
    const call = reasonOf(sleep.with({ signal: end.signal })(60_000))
    await until(() => running() > 30)
    assert.equal((await reasonOf(sleep(() => {})))?.name, 'TypeError')
    assert.ok(running() > 30)
    end.abort()
    assert.equal((await call)?.name, 'AbortError')
    await until(() => timers() === before)
  })

  it('timeout of a call overrides that of the pool', async () => {
    const sleep = start('sleep', { max: 2, timeout: 20 })
    await assert.rejects(sleep(60_000), { code: 'ERR_POOL_TIMEOUT' })
    for (const timeout of [60_000, Infinity]) assert.equal(await sleep.with({ timeout })(40, 'x'), 'x')
  })

  it('timeout lets the other calls of an asynchronous worker finish before the worker ends', async () => {
    const sleep = start('sleep', { max: 1, load: 10, async: true })
    await sleep(0)
    const late = sleep.with({ timeout: 20 })(60_000)
    const others = [sleep(60, 1), sleep(80, 2)]
    await assert.rejects(late, { code: 'ERR_POOL_TIMEOUT' })
    assert.deepEqual(await Promise.all(others), [1, 2])
    await until(async () => (await sleep.stats()).workers.length === 0)
  })

  it('without retries, a call whose worker dies rejects with its exit code or signal', async () => {
    const act = start('doAs')
    assert.equal((await reasonOf(act('exit')))?.exitCode, 3)
    assert.equal((await reasonOf(act('kill')))?.signal, 'SIGKILL')
  })

  it('retries repeats a call whose worker dies that often, each time in another worker', async () => {
    const note = start('note', { max: 2 })
    const file = pathOf('pids')
    assert.equal((await reasonOf(note.with({ retries: 3 })(file, 'exit')))?.exitCode, 3)
    const pids = readFileSync(file, 'utf8').trim().split('\n')
    assert.equal(pids.length, 4)
    assert.equal(new Set(pids).size, 4)
    assert.equal((await note.stats()).calls.retried, 3)
  })

  it('retries repeats no call whose function throws or whose timeout has passed', async () => {
    const note = start('note', { max: 1, retries: 5 })
    const file = pathOf('pids')
    await assert.rejects(note(file, 'throw'), { name: 'RangeError' })
    await assert.rejects(note.with({ timeout: 200 })(file, 'loop'), { code: 'ERR_POOL_TIMEOUT' })
    assert.ok(readFileSync(file, 'utf8').trim().split('\n').length <= 2) // the second may not begin in time
    assert.equal((await note.stats()).calls.retried, 0)
  })

  it('calls behind one that ends its worker have not begun, and move on without a retry', async () => {
    const note = start('note', { max: 1, load: 10 })
    await note(pathOf('warm'), 'x')
    const file = pathOf('pids')
    const outcomes = await Promise.allSettled([
      note(file, 'a'),
      note(file, 'kill'),
      ...['b', 'c', 'd'].map(value => note(file, value)),
    ])
    assert.deepEqual(
      outcomes.map(one => (one.status === 'fulfilled' ? one.value : one.reason.signal)),
      ['a', 'SIGKILL', 'b', 'c', 'd'],
    )
    assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 5)
  })
})
