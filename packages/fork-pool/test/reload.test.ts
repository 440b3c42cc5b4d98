import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type ForkPool, ForkProcess, pool } from '@anyfork/fork-pool'
import { assertNothingLeft, type Resources, resourcesAfter, until } from '@anyfork/test-support'
import { afterEach, before, describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf } from './support/pools.js'

describe('reload()', () => {
  let atRest: Resources
  let current: ForkPool | undefined
  before(async () => {
    atRest = await resourcesAfter(async () => {
      const warmUp = pool(ForkProcess.create(), 'node:path', 'basename')
      await warmUp('x')
      await warmUp.close()
    })
  })
  afterEach(async () => {
    await current?.destroy()
    await assertNothingLeft(atRest)
  })
  const pathOf = useFolder()

  /** Writes the module. Its function returns the version, once the file exists that it may be called with. */
  const write = (version: number): void =>
    writeFileSync(
      pathOf('module.mjs'),
      `import { existsSync } from 'node:fs'
       import { setTimeout } from 'node:timers/promises'
       export const version = async file => {
         while (file && !existsSync(file)) await setTimeout(1)
         return ${version}
       }`,
    )
  /** Makes a pool of the module, which is written first unless it is given. */
  const start = (options = {}, source?: string): ForkPool => {
    if (source === undefined) write(1)
    else writeFileSync(pathOf('module.mjs'), source)
    return (current = pool(() => ForkProcess.create(), pathToFileURL(pathOf('module.mjs')), 'version', {
      max: 2,
      ...options,
    }))
  }

  it('reload() loads the files as they are now', async () => {
    const version = start()
    assert.equal(await version(), 1)
    write(2)
    assert.equal(await version(), 1)
    await version.reload()
    assert.equal(await version(), 2)
  })

  it('reload() twice in a row loads the files as they are at the second call', async () => {
    const version = start()
    await version()
    write(2)
    await version.reload()
    write(3)
    await Promise.all([version.reload(), version.reload()])
    assert.equal(await version(), 3)
  })

  it('no call is lost while the pool reloads', async () => {
    const version = start({ load: 2 })
    const answers: unknown[] = []
    let isDone = false
    const callers = Array.from({ length: 6 }, async () => {
      while (!isDone) answers.push(await version())
    })
    await until(() => answers.length > 0)
    for (let number = 2; number <= 4; number++) {
      write(number)
      await version.reload()
      assert.equal(await version(), number)
    }
    isDone = true
    await Promise.all(callers)
    assert.deepEqual([...new Set(answers)].sort(), [1, 2, 3, 4])
  })

  for (const options of [{}, { isolate: true }, { recycle: { calls: 1 } }]) {
    const [name] = Object.keys(options)
    it(`reload() resolves after the calls of the old workers${name ? `, with ${name}` : ''}`, async () => {
      const version = start(options)
      const file = pathOf('open')
      const order: string[] = []
      const running = version(file).then(answer => order.push(`call of version ${answer}`))
      await until(async () => (await version.stats()).workers.some(one => one.state === 'busy'))
      const { pid } = (await version.stats()).workers.find(one => one.state === 'busy')!
      write(2)
      const reloaded = version.reload().then(() => order.push('reloaded'))
      await until(async () => (await version()) === 2)
      writeFileSync(file, '')
      await Promise.all([running, reloaded])
      assert.deepEqual(order, ['call of version 1', 'reloaded'])
      assert.ok(!(await version.stats()).workers.some(one => one.pid === pid))
    })
  }

  for (const [what, source] of [
    ['has a syntax error', 'export const = 1'],
    ['throws', 'throw new Error("broken")'],
    ['lacks the function', 'export const other = () => 1'],
  ] as const) {
    it(`reload() rejects if the new module ${what}, and the old workers go on`, async () => {
      const version = start()
      assert.equal(await version(), 1)
      writeFileSync(pathOf('module.mjs'), source)
      assert.match(String((await reasonOf(version.reload()))?.code), /ERR_(MODULE_FAILED|EXPORT_NOT_FOUND)/)
      assert.equal(await version(), 1)
      write(2)
      await version.reload()
      assert.equal(await version(), 2)
    })
  }

  it('reload() replaces the spare workers of isolated calls', async () => {
    const version = start({ isolate: true, spare: 2 })
    assert.equal(await version(), 1)
    write(2)
    await version.reload()
    assert.deepEqual(await Promise.all([version(), version(), version(), version()]), [2, 2, 2, 2])
  })

  it('workers that a reload ends while they start are not reported as failed, and their calls run elsewhere', async () => {
    const errors: Error[] = []
    const version = start(
      { isolate: true, max: 8, init: 'init', onError: (error: Error) => errors.push(error) },
      'export const init = () => new Promise(() => setInterval(() => {}, 60_000)); export const version = () => 1', // never ready
    )
    const calls = Promise.all(Array.from({ length: 10 }, () => version()))
    await until(async () => (await version.stats()).workers.length === 8)
    writeFileSync(pathOf('module.mjs'), 'export const init = () => {}; export const version = () => 2')
    await version.reload()
    assert.deepEqual(await calls, new Array(10).fill(2))
    assert.deepEqual(errors, [])
  })

  it('destroy() ends a reload that is under way, and reload() rejects from then on', async () => {
    const version = start({ idle: 2 })
    await version()
    const reload = reasonOf(version.reload())
    await version.destroy()
    await reload
    assert.equal((await reasonOf(version.reload()))?.code, 'ERR_POOL_DESTROYED')
  })
})
