import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { descendantsOf, isSoak, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools } from './support/pools.js'

const callCount = isSoak ? 2000 : 20

describe('isolate', function () {
  this.timeout(isSoak ? 1_000_000 : 240_000)
  const start = usePools()
  const pathOf = useFolder()

  it('each isolated call runs in a fresh process, which ends with the call', async () => {
    const counted = start('counted', { isolate: true, max: 3 })
    assert.deepEqual(await Promise.all(Array.from({ length: 10 }, () => counted())), new Array(10).fill(1))
    await until(async () => (await counted.stats()).workers.length === 0)
    assert.equal((await counted.stats()).started, 10)
  })

  it('isolated calls never have more processes than max, those that are ending included', async () => {
    const meet = start('meet', { isolate: true, max: 3 })
    const folder = pathOf('meeting')
    mkdirSync(folder)
    let most = 0
    const look = async (): Promise<void> => void (most = Math.max(most, (await meet.stats()).workers.length))
    await Promise.all(Array.from({ length: 12 }, () => meet(folder, 3).then(look)))
    assert.ok(most <= 3, `${most}`)
  })

  it('the process of an isolated call that exits or is killed rejects only that call', async () => {
    const act = start('doAs', { isolate: true, max: 4 })
    const outcomes = await Promise.allSettled(
      ['a', 'exit', 'kill', 'b', 'segfault', 'exit', 'exit', 'exit', 'exit', 'c'].map(what => act(what)),
    )
    assert.deepEqual(
      outcomes.map(one => (one.status === 'fulfilled' ? one.value : (one.reason.signal ?? one.reason.exitCode))),
      ['a', 3, 'SIGKILL', 'b', 'SIGSEGV', 3, 3, 3, 3, 'c'],
    )
  })

  it('each isolated call has its own restrictions', async () => {
    const open = start('openFiles', { isolate: true, max: 2 })
    const few = (await open.with({ restrict: { rlimits: { nofile: 40 } } })()) as number
    const more = (await open.with({ restrict: { rlimits: { nofile: 60 } } })()) as number
    assert.ok(few < 40 && more === few + 20, `${few} ${more}`)
  })

  it('an isolated call that exceeds its limit of processor time rejects with the signal', async () => {
    const act = start('doAs', { isolate: true, max: 2 })
    const reason = await reasonOf(act.with({ restrict: { rlimits: { cpu: 1 } } })('loop'))
    assert.match(String(reason?.signal), /SIGKILL|SIGXCPU/)
  })

  it('an isolated call with restrictions gets a process of its own instead of a spare worker', async () => {
    const open = start('openFiles', { isolate: true, max: 2, spare: 2, restrict: { rlimits: { nofile: 60 } } })
    await until(async () => (await open.stats()).spares === 2)
    const restricted = open.with({ restrict: { rlimits: { nofile: 40 } } })
    for (let i = 0; i < 5; i++) assert.equal(Number(await open()) - Number(await restricted()), 20)
  })

  it('a spare worker has run init, and ends by done if no call takes it', async () => {
    const log = pathOf('log')
    const module = pathOf('module.mjs')
    const notes = (): string[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
    writeFileSync(
      module,
      `import { appendFileSync } from 'node:fs'
       const note = what => appendFileSync(${JSON.stringify(log)}, what + '\\n')
       export const init = () => note('init')
       export const done = () => note('done')
       export const pid = () => process.pid`,
    )
    const call = pool(ForkProcess.create(), module, 'pid', { isolate: true, spare: 2, init: 'init', done: 'done' })
    await until(async () => (await call.stats()).spares === 2 && notes().length === 2)
    await call()
    await until(async () => (await call.stats()).spares === 2 && notes().length === 4)
    await call.close()
    assert.deepEqual(notes().toSorted(), ['done', 'done', 'done', 'init', 'init', 'init'])
  })

  it('a spare worker that was killed is not used, and one that cannot start leaves the error to the call', async () => {
    const pid = start('pid', { isolate: true, max: 1, spare: 1 })
    await until(async () => (await pid.stats()).spares === 1)
    const seen = new Set<unknown>()
    for (let i = 0; i < 3; i++) {
      await until(async () => {
        killServing()
        return (await pid.stats()).spares === 0
      })
      seen.add(await pid())
      await until(async () => (await pid.stats()).spares === 1)
    }
    assert.equal(seen.size, 3)
    const absent = start('absent', { isolate: true, max: 1, spare: 1 })
    for (let i = 0; i < 3; i++) assert.equal((await reasonOf(absent()))?.code, 'ERR_EXPORT_NOT_FOUND')
  })

  it('an isolated call that is aborted while its process starts rejects, and the next one runs', async () => {
    const counted = start('counted', { isolate: true, max: 1 })
    const abort = new AbortController()
    const dropped = counted.with({ signal: abort.signal })()
    setImmediate(() => abort.abort())
    await Promise.all([assert.rejects(dropped, { name: 'AbortError' }), counted()])
  })

  it('every isolated call rejects with ERR_EXPORT_NOT_FOUND if the module has no such function', async () => {
    const absent = start('absent', { isolate: true, max: 2 })
    for (const reason of await Promise.all([1, 2, 3, 4].map(() => reasonOf(absent()))))
      assert.equal(reason?.code, 'ERR_EXPORT_NOT_FOUND')
  })

  it('an isolated call whose process cannot start rejects while others succeed', async () => {
    const echo = start('echo', { isolate: true, max: 2 })
    let isSettled = false
    const reason = reasonOf(echo.with({ restrict: { cwd: '/nonexistent' } })('bad')).finally(() => (isSettled = true))
    let others = 0
    while (!isSettled && others < 200) assert.equal(await echo(others), others++)
    assert.ok(isSettled)
    assert.equal((await reason)?.code, 'ENOENT')
    assert.ok((await echo.stats()).started <= others + 10)
  })

  it('isolated calls reject if their restrictions cannot be applied; other calls succeed, and onError is not called', async () => {
    const errors: Error[] = []
    const echo = start('echo', { isolate: true, max: 2, onError: error => errors.push(error) })
    const bad = echo.with({ restrict: { cwd: '/nonexistent' } })
    const outcomes = await Promise.all(
      [bad(0), echo(1), bad(2), bad(3), echo(4)].map(call => call.catch(error => error.code)),
    )
    assert.deepEqual(outcomes, ['ENOENT', 1, 'ENOENT', 'ENOENT', 4])
    assert.deepEqual(errors, [])
  })

  it(`${callCount} isolated calls run in as many processes`, async () => {
    const echo = start('echo', { isolate: true, max: 8, spare: 8 })
    const values = Array.from({ length: callCount }, (_, i) => i)
    assert.deepEqual(await Promise.all(values.map(value => echo(value))), values)
  })
})

/** Kills the workers that have been started. */
function killServing(): void {
  for (const { pid } of descendantsOf(process.pid)) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, 'utf8') === 'anyfork serve\n') process.kill(pid, 'SIGKILL')
    } catch {
      // it has just ended
    }
  }
}
