import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { connectPool, type ForkPool, ForkProcess, type PoolControl, pool, poolOf } from '@anyfork/fork-pool'
import { assertNothingLeft, type Resources, resourcesAfter } from '@anyfork/test-support'
import { afterEach, before, describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { worker } from './support/pools.js'

type Module = typeof import('./fixtures/worker.js')

describe('pool() and connectPool() without a template', () => {
  const pathOf = useFolder()
  const open: PoolControl[] = []
  let atRest: Resources
  const track = <P extends PoolControl>(made: P): P => {
    open.push(made)
    return made
  }
  before(async () => {
    atRest = await resourcesAfter(() => ForkProcess.create().close())
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(one => one.destroy()))
    await assertNothingLeft(atRest)
  })

  for (const [what, make] of [
    ['a module', () => pool<Module['default']>(worker)],
    ['a module and options', () => pool<Module['default']>(worker, { max: 1 })],
    ['a template and a module', () => pool<Module['default']>(ForkProcess.create(), worker)],
    [
      'a template, a module, and options',
      () => pool<Module['default']>(() => ForkProcess.create(), worker, { max: 1 }),
    ],
  ] as const)
    it(`pool() of ${what} calls the default export`, async () => {
      const shout = track(make())
      const text: string = await shout('a')
      assert.equal(text, 'A')
    })

  for (const [what, make] of [
    ['a module and a name', () => pool<Module['add']>(worker, 'add')],
    ['a module, a name, and options', () => pool<Module['add']>(worker, 'add', { max: 1 })],
    ['a template, a module, and a name', () => pool<Module['add']>(ForkProcess.create(), worker, 'add')],
  ] as const)
    it(`pool() of ${what} calls the named export`, async () => {
      assert.equal(await track(make())(1, 2), 3)
    })

  it('connectPool() of a module, and of a module and options, calls its exports', async () => {
    for (const options of [[], [{ max: 1 }]]) {
      const remote = connectPool<Module>(worker, ...options)
      track(poolOf(remote))
      assert.equal(await remote.add(1, 2), 3)
    }
  })

  it('the workers are forks of what the default template has loaded', async () => {
    const template = ForkProcess.startTemplate().eval('globalThis.loaded = "before"')
    await template.ready()
    assert.equal(await track(pool<Module['globalNamed']>(worker, 'globalNamed'))('loaded'), 'before')
  })

  it('reload() loads the module anew', async () => {
    const file = pathOf('module.mjs')
    writeFileSync(file, 'export default () => 1')
    const version = track(pool(pathToFileURL(file)) as ForkPool)
    assert.equal(await version(), 1)
    writeFileSync(file, 'export default () => 2')
    await version.reload()
    assert.equal(await version(), 2)
  })

  it('reload() starts a template with the options of the default template', async () => {
    ForkProcess.templateOptions = { env: { ...process.env, PLACE: 'default' } }
    const variable = track(pool<Module['variable']>(worker, 'variable'))
    assert.equal(await variable('PLACE'), 'default')
    await variable.reload()
    assert.equal(await variable('PLACE'), 'default')
    await variable.destroy()
    ForkProcess.templateOptions = {}
    // the default template of the other tests
    atRest = await resourcesAfter(() => ForkProcess.create().close())
  })

  it('reload() works although workers have init, because no arguments were sent to the template', async () => {
    const prepared = track(pool<Module['preparedWith']>(worker, 'preparedWith', { init: 'prepare' }))
    assert.deepEqual(await prepared(), [])
    await prepared.reload()
    assert.deepEqual(await prepared(), [])
  })

  it('invalid arguments are a TypeError, and leave nothing behind', () => {
    const any = pool as (...args: unknown[]) => ForkPool
    const anyModule = connectPool as (...args: unknown[]) => object
    for (const args of [
      [],
      [undefined],
      [{}],
      ['./relative.js'],
      [worker, ''],
      [worker, 5],
      [worker, 'add', 5],
      [worker, undefined, {}],
      [worker, { unknown: 1 }],
      [ForkProcess.create],
      [() => ForkProcess.create(), './relative.js'],
    ])
      assert.throws(() => any(...args), TypeError)
    for (const args of [[], [undefined], ['./relative.js'], [worker, 'add'], [worker, { unknown: 1 }]])
      assert.throws(() => anyModule(...args), TypeError)
  })
})
