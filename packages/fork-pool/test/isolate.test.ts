import assert from 'node:assert/strict'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

const many = process.env['ANYFORK_SOAK'] === '1' ? 10_000 : 200

describe('isolate: one process for each call', function () {
  this.timeout(many * 100)
  const start = usePools()

  it('gives each call a fresh process, which ends with it', async () => {
    const counted = start('counted', { isolate: true, max: 3 })
    assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => counted())), new Array(20).fill(1))
    await until(async () => (await counted.stats()).workers.length === 0)
    assert.equal((await counted.stats()).started, 20)
  })

  it('never has more processes than max, those that end included', async () => {
    const sleep = start('sleep', { isolate: true, max: 3 })
    let most = 0
    const calls = Array.from({ length: 30 }, () => sleep(5))
    const watch = setInterval(async () => (most = Math.max(most, (await sleep.stats()).workers.length)), 2)
    await Promise.all(calls)
    clearInterval(watch)
    assert.ok(most > 1 && most <= 3, `${most}`)
  })

  it('a process that ends itself costs only its call, without any delay for the others', async () => {
    const act = start('doAs', { isolate: true, max: 4 })
    const outcomes = await Promise.allSettled(
      ['a', 'exit', 'kill', 'b', 'segfault', 'exit', 'exit', 'exit', 'exit', 'c'].map(what => act(what)),
    )
    assert.deepEqual(
      outcomes.map(one => (one.status === 'fulfilled' ? one.value : (one.reason.signal ?? one.reason.exitCode))),
      ['a', 3, 'SIGKILL', 'b', 'SIGSEGV', 3, 3, 3, 3, 'c'],
    )
  })

  it('restricts each call on its own', async () => {
    const open = start('openFiles', { isolate: true, max: 2 })
    const few = (await open.with({ restrict: { rlimits: { nofile: 40 } } })()) as number
    const more = (await open.with({ restrict: { rlimits: { nofile: 60 } } })()) as number
    assert.ok(few < 40 && more === few + 20, `${few} ${more}`)
  })

  it('ends a call that takes more processor time than it may', async () => {
    const act = start('doAs', { isolate: true, max: 2 })
    const reason = await reasonOf(act.with({ restrict: { rlimits: { cpu: 1 } } })('loop'))
    assert.match(String(reason?.signal), /SIGKILL|SIGXCPU/)
  })

  it('takes processes that were forked ahead, with the restrictions of the call', async () => {
    const open = start('openFiles', { isolate: true, max: 2, spare: 2 })
    await until(async () => (await open.stats()).spares === 2)
    const restricted = open.with({ restrict: { rlimits: { nofile: 40 } } })
    for (let i = 0; i < 5; i++) assert.ok(((await restricted()) as number) < 40)
  })

  it('drops a call whose signal is aborted while its process is started', async () => {
    const counted = start('counted', { isolate: true, max: 1 })
    const abort = new AbortController()
    const dropped = counted.with({ signal: abort.signal })()
    setImmediate(() => abort.abort())
    await Promise.all([assert.rejects(dropped, { name: 'AbortError' }), counted()])
  })

  it('rejects every call when the function is missing', async () => {
    const absent = start('absent', { isolate: true, max: 2 })
    for (const reason of await Promise.all([1, 2, 3, 4].map(() => reasonOf(absent()))))
      assert.equal(reason?.code, 'ERR_EXPORT_NOT_FOUND')
  })

  it('rejects a call whose process cannot start, even while others succeed', async () => {
    const echo = start('echo', { isolate: true, max: 2 })
    let isSettled = false
    const reason = reasonOf(echo.with({ restrict: { cwd: '/nonexistent' } })('bad')).finally(() => (isSettled = true))
    let others = 0
    while (!isSettled && others < 200) assert.equal(await echo(others), others++)
    assert.ok(isSettled, 'it still waits')
    assert.equal((await reason)?.code, 'ENOENT')
    assert.ok((await echo.stats()).started <= others + 10)
  })

  it('rejects calls whose restrictions cannot be, and no others', async () => {
    const errors: Error[] = []
    const echo = start('echo', { isolate: true, max: 2, onError: error => errors.push(error) })
    const bad = echo.with({ restrict: { cwd: '/nonexistent' } })
    const outcomes = await Promise.all(
      [bad(0), echo(1), bad(2), bad(3), echo(4)].map(call => call.catch(error => error.code)),
    )
    assert.deepEqual(outcomes, ['ENOENT', 1, 'ENOENT', 'ENOENT', 4])
    assert.deepEqual(errors, [])
  })

  it(`settles ${many} calls in as many processes`, async () => {
    const echo = start('echo', { isolate: true, max: 8, spare: 8 })
    const values = Array.from({ length: many }, (_, i) => i)
    assert.deepEqual(await Promise.all(values.map(value => echo(value))), values)
  })
})
