import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ForkPool, ForkProcess, pool } from '@anyfork/fork-pool'
import { assertNothingLeft, type Resources as Holdings, openResources as holdings, until } from '@anyfork/test-support'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { reasonOf } from './support/pools.js'

describe('reload()', () => {
  let folder: string
  let file: URL
  let atRest: Holdings
  let current: ForkPool | undefined

  const write = (version: number): void =>
    writeFileSync(
      file,
      `import { setTimeout } from 'node:timers/promises'\nexport const version = async (ms = 0) => (await setTimeout(ms), ${version})\n`,
    )
  const start = (options = {}): ForkPool =>
    (current = pool(() => ForkProcess.create(), file, 'version', { max: 2, ...options }))

  before(async () => {
    const warmUp = pool(ForkProcess.create(), 'node:path', 'basename')
    await warmUp('x')
    await warmUp.close()
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    atRest = holdings()
  })
  after(() => rmSync(folder, { recursive: true }))
  beforeEach(() => {
    file = pathToFileURL(join(folder, `module-${Math.random()}.mjs`))
    write(1)
  })
  afterEach(async () => {
    await current?.destroy()
    await assertNothingLeft(atRest)
  })

  it('takes the files as they are now', async () => {
    const version = start()
    assert.equal(await version(), 1)
    write(2)
    assert.equal(await version(), 1)
    await version.reload()
    assert.equal(await version(), 2)
  })

  it('loses no call: what runs finishes as it began, what waits goes on', async () => {
    const version = start({ load: 2 })
    await version()
    const calls: Promise<unknown>[] = []
    const more = setInterval(() => calls.push(version(5)), 1)
    for (let number = 2; number <= 4; number++) {
      write(number)
      await version.reload()
      assert.equal(await version(), number)
    }
    clearInterval(more)
    const answers = (await Promise.all(calls)) as number[]
    assert.ok(answers.length > 10 && answers.every(answer => answer >= 1 && answer <= 4))
  })

  it('resolves when the last call of before has ended', async () => {
    const version = start()
    const running = version(300)
    await until(() => version.workers.some(one => one.load > 0))
    const busy = version.workers.find(one => one.load > 0)!
    write(2)
    const reloaded = version.reload().then(() => 'reloaded')
    assert.equal(await Promise.race([reloaded, running]), 1)
    await reloaded
    assert.ok(!(await version.stats()).workers.some(one => one.pid === busy.pid))
  })

  for (const options of [{ isolate: true }, { recycle: { calls: 1 } }]) {
    it(`resolves when the last call of before has ended, also in a worker that was to end before, as with ${Object.keys(options)}`, async () => {
      const version = start(options)
      let isDone = false
      const running = version(1000).then(() => (isDone = true))
      await until(async () => (await version.stats()).workers.some(one => one.state === 'busy'))
      await version.reload()
      assert.ok(isDone)
      await running
    })
  }

  it('rejects when the new code is broken, and all is as before', async () => {
    const version = start()
    assert.equal(await version(), 1)
    for (const broken of ['export const = 1', 'throw new Error("broken")', 'export const other = () => 1']) {
      writeFileSync(file, broken)
      assert.match(String((await reasonOf(version.reload()))?.code), /ERR_(MODULE_FAILED|EXPORT_NOT_FOUND)/)
      assert.equal(await version(), 1)
    }
    write(2)
    await version.reload()
    assert.equal(await version(), 2)
  })

  it('replaces spares, and works with one process for each call', async () => {
    const version = start({ isolate: true, spare: 2 })
    assert.equal(await version(), 1)
    write(2)
    await version.reload()
    assert.deepEqual(await Promise.all([version(), version(), version(), version()]), [2, 2, 2, 2])
  })

  it('does not take workers that it ends while they start for crashes', async () => {
    writeFileSync(
      file,
      'export const init = () => new Promise(() => setInterval(() => {}, 60_000))\nexport const version = () => 1\n',
    ) // never ready
    const errors: Error[] = []
    const version = start({ isolate: true, max: 8, init: 'init', onError: (error: Error) => errors.push(error) })
    const calls = Promise.all(Array.from({ length: 10 }, () => version()))
    await until(async () => (await version.stats()).workers.length === 8)
    writeFileSync(file, 'export const init = () => {}\nexport const version = () => 2\n')
    await version.reload()
    assert.deepEqual(await calls, new Array(10).fill(2))
    assert.deepEqual(errors, [])
  })

  it('twice in a row takes the files of the last time', async () => {
    const version = start()
    await version()
    write(2)
    const first = version.reload()
    await first
    write(3)
    const [second, third] = [version.reload(), version.reload()]
    await Promise.all([second, third])
    assert.equal(await version(), 3)
  })

  it('is refused after close(), and gives way to destroy()', async () => {
    const version = start({ idle: 2 })
    await version()
    const reload = reasonOf(version.reload())
    await version.destroy()
    await reload
    assert.equal((await reasonOf(version.reload()))?.code, 'ERR_POOL_DESTROYED')
  })
})
