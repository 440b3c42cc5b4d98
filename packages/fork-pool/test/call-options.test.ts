import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning, until } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

describe('options of a call', () => {
  const start = usePools()
  let folder: string
  before(() => (folder = mkdtempSync(join(tmpdir(), 'anyfork-'))))
  after(() => rmSync(folder, { recursive: true }))

  it('signal: rejects with its reason at once when it is aborted already', async () => {
    const pid = start('pid')
    await assert.rejects(pid.with({ signal: AbortSignal.abort(new Error('mine')) })(), { message: 'mine' })
    assert.equal((await pid.stats()).started, 0)
  })

  it('signal: a waiting call is dropped and never runs', async () => {
    const note = start('note', { max: 1 })
    const file = join(folder, 'dropped')
    const first = note(join(folder, 'first'), 'x')
    const abort = new AbortController()
    const waiting = note.with({ signal: abort.signal })(file, 'x')
    abort.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
    await first
    await note(join(folder, 'third'), 'x')
    assert.throws(() => readFileSync(file), { code: 'ENOENT' })
  })

  it('signal: ends the worker of a running call; others go on', async () => {
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

  it('signal: leaves nothing behind on a signal that is never aborted', async () => {
    const pid = start('pid')
    const { signal } = new AbortController()
    for (let i = 0; i < 20; i++) await pid.with({ signal })()
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  it('timeout: ends an endless loop, and only its call', async () => {
    const act = start('doAs', { max: 1, load: 4 })
    const calls = [act('a'), act.with({ timeout: 50 })('loop'), act('b'), act('c')]
    const outcomes = await Promise.allSettled(calls)
    assert.deepEqual(
      outcomes.map(one => (one.status === 'fulfilled' ? one.value : one.reason.code)),
      ['a', 'ERR_POOL_TIMEOUT', 'b', 'c'],
    )
  })

  it('timeout: does not count the time that a call waits', async () => {
    const sleep = start('sleep', { max: 1, load: 4 })
    const calls = [1, 2, 3, 4, 5, 6].map(value => sleep.with({ timeout: 500 })(150, value))
    assert.deepEqual(await Promise.all(calls), [1, 2, 3, 4, 5, 6])
  })

  it('timeout: that of a call that runs does not begin anew when another, that has not begun, ends', async () => {
    const sleep = start('sleep', { max: 1, load: 2, timeout: 60_000 })
    await sleep(0)
    const timers = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
    const before = timers()
    const running = (): number => sleep.workers[0]!.running!.milliseconds
    const end = new AbortController()
    const call = reasonOf(sleep.with({ signal: end.signal })(60_000))
    await until(() => running() > 100)
    assert.equal((await reasonOf(sleep(() => {})))?.name, 'TypeError') // it cannot be sent
    assert.ok(running() > 100, 'it was begun anew')
    end.abort()
    assert.equal((await call)?.name, 'AbortError')
    await until(() => timers() === before)
  })

  it('timeout: that of the pool holds for calls that do not say', async () => {
    const sleep = start('sleep', { max: 2, timeout: 20 })
    await assert.rejects(sleep(60_000), { code: 'ERR_POOL_TIMEOUT' })
    assert.equal(await sleep.with({ timeout: 60_000 })(40, 'x'), 'x')
  })

  it('timeout: in an asynchronous worker, what else runs there finishes first', async () => {
    const sleep = start('sleep', { max: 1, load: 10, async: true })
    await sleep(0)
    const late = sleep.with({ timeout: 20 })(60_000)
    const others = [sleep(200, 1), sleep(300, 2)]
    await assert.rejects(late, { code: 'ERR_POOL_TIMEOUT' })
    assert.deepEqual(await Promise.all(others), [1, 2])
    await until(async () => (await sleep.stats()).workers.length === 0)
  })

  it('retries: none by default; a call whose worker died rejects with how', async () => {
    const act = start('doAs')
    assert.equal((await reasonOf(act('exit')))?.exitCode, 3)
    assert.equal((await reasonOf(act('kill')))?.signal, 'SIGKILL')
  })

  it('retries: as many as said, each in another worker', async () => {
    const note = start('note', { max: 2 })
    const file = join(folder, 'retries')
    assert.equal((await reasonOf(note.with({ retries: 3 })(file, 'exit')))?.exitCode, 3)
    const pids = readFileSync(file, 'utf8').trim().split('\n')
    assert.equal(pids.length, 4)
    assert.equal(new Set(pids).size, 4)
    assert.equal((await note.stats()).calls.retried, 3)
  })

  it('retries: not for what the function throws, nor when the time is up', async () => {
    const note = start('note', { max: 1, retries: 5 })
    const file = join(folder, 'no-retries')
    await assert.rejects(note(file, 'throw'), { name: 'RangeError' })
    await assert.rejects(note.with({ timeout: 30 })(file, 'loop'), { code: 'ERR_POOL_TIMEOUT' })
    assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 2)
  })

  it('calls behind one that ends its worker have not begun, and move on without a retry', async () => {
    const note = start('note', { max: 1, load: 10 })
    await note(join(folder, 'warm'), 'x')
    const file = join(folder, 'behind')
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
  it('lifts that of the pool, and may be that of close()', async () => {
    const sleep = start('sleep', { max: 1, timeout: 50 })
    assert.equal((await reasonOf(sleep(150)))?.code, 'ERR_POOL_TIMEOUT')
    assert.equal(await sleep.with({ timeout: Infinity })(150, 'x'), 'x')
    await sleep.close({ timeout: Infinity })
  })
})
