import assert from 'node:assert/strict'
import { connectPool, ForkProcess, type PoolOptions, pool, poolOf } from '@anyfork/fork-pool'
import { prefork } from '@anyfork/fork-pool/prefork'
import {
  assertNothingLeft,
  hasSshServer,
  openResources,
  outputOf,
  type Resources,
  SshServer,
  until,
  untilGone,
} from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'

type Module = typeof import('./fixtures/remote.js')

const module = new URL('./fixtures/remote.js', import.meta.url)
const command = [process.execPath]
const start = (options?: PoolOptions, template = ForkProcess.remote({ command })) =>
  connectPool<Module>(template, module, options)

describe('a pool of remote processes', () => {
  let before: Resources
  beforeEach(() => {
    before = openResources()
  })
  afterEach(() => assertNothingLeft(before))

  it('runs calls in several workers, with their events', async () => {
    const events: unknown[] = []
    const pooled = start({ max: 2, idle: 2, onEvent: n => events.push(n) })
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map(n => pooled.square(n))), [1, 4, 9, 16])
    await until(() => poolOf(pooled).workers.length === 2)
    assert.deepEqual(events.sort(), [1, 2, 3, 4])
    const pids = await Promise.all(Array.from({ length: 8 }, () => pooled.pid()))
    assert.ok(pids.every(pid => pid !== process.pid))
    const { template, workers } = await poolOf(pooled).stats()
    assert.equal(template?.obstacle, 'the process is remote: its forks are further connections')
    assert.deepEqual(new Set(workers.map(({ mode }) => mode)), new Set(['exec']))
    for (const figures of [template, ...workers]) assert.ok(!('memory' in figures), 'the memory of the command')
    await poolOf(pooled).close()
  })

  it('works over ssh', async function () {
    if (!hasSshServer()) {
      console.log('      openssh-server is not installed')
      return this.skip()
    }
    const server = new SshServer()
    try {
      await server.start()
      const pooled = start({ max: 2 }, ForkProcess.remote({ command: server.command(process.execPath) }))
      assert.deepEqual(await Promise.all([1, 2, 3].map(n => pooled.square.with({ onEvent: () => {} })(n))), [1, 4, 9])
      await poolOf(pooled).close()
    } finally {
      await server.stop()
    }
  })

  it('replaces a worker that dies, and one that runs for too long, which ends on the other side', async () => {
    const pooled = start({ max: 1 })
    await assert.rejects(pooled.die(), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
    const pid = await pooled.pid()
    await assert.rejects(pooled.block.with({ timeout: 100 })(), { code: 'ERR_POOL_TIMEOUT' })
    await untilGone(pid)
    assert.notEqual(await pooled.pid(), pid)
    await poolOf(pooled).close()
  })

  it('connects again when the connection of its template has ended, and never runs calls on this machine instead', async () => {
    const template = ForkProcess.remote({ command, env: { ...process.env, ANYFORK_TEST: 'remote' } })
    const remote = template.eval("globalThis.where = () => process.env.ANYFORK_TEST ?? 'here'").sendArg('hello')
    const where = pool(
      () => remote.fork(),
      new URL('data:text/javascript,export const where = () => globalThis.where()'),
      'where',
      { max: 1 },
    )
    const pooled = start({ max: 1, init: 'init' }, remote)
    for (let i = 0; i < 2; i++) {
      assert.equal(await where(), 'remote')
      assert.equal(await pooled.greet('Ada'), 'hello Ada')
      remote.kill('SIGKILL')
      await remote.exited
      for (const { pid } of [...poolOf(pooled).workers, ...where.workers]) process.kill(pid!, 'SIGKILL')
      await until(() => poolOf(pooled).workers.length + where.workers.length === 0)
    }
    await where.close()
    await poolOf(pooled).close()
  })

  it('reloads the module as it is then, by new connections', async () => {
    const pooled = start({ max: 1 })
    const pid = await pooled.pid()
    await poolOf(pooled).reload()
    assert.notEqual(await pooled.pid(), pid)
    await poolOf(pooled).reload()
    assert.equal(await pooled.square.with({ onEvent: () => {} })(3), 9)
    await poolOf(pooled).close()
  })

  it('has spare connections, and a process for each call, if it is asked for', async () => {
    const pooled = start({ max: 1, isolate: true, spare: 1 })
    const pids = [await pooled.pid(), await pooled.pid()]
    assert.notEqual(pids[0], pids[1])
    await poolOf(pooled).close()
  })

  it('works with a template that was started before this package was loaded', async () => {
    const source = "export const has = async () => typeof (await import('@anyfork/fork-pool/child')).retire"
    const stdout = await outputOf(`
      import { ForkProcess } from '@anyfork/fork'
      const remote = ForkProcess.remote({ command: [process.execPath] })
      const { pool } = await import('@anyfork/fork-pool')
      const has = pool(remote, new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(source)}`)}), 'has', { max: 1 })
      console.log(await has())
      await has.close()`)
    assert.equal(stdout, 'function\n')
  })

  it('replaces a worker that retires', async () => {
    const remote = ForkProcess.remote({ command }).eval(async () => {
      const { retire } = await import('@anyfork/fork-pool/child' as string)
      Object.assign(globalThis, { retire })
    })
    const source = 'export const retireNow = () => { globalThis.retire(); return process.pid }'
    const retireNow = pool(remote, new URL(`data:text/javascript,${source}`), 'retireNow', { max: 1 })
    assert.notEqual(await retireNow(), await retireNow())
    await retireNow.close()
  })

  it('refuses options that measure or restrict processes of this machine', async () => {
    const options: PoolOptions[] = [
      { memory: 1e9 },
      { cpuMs: 1000 },
      { recycle: { pss: 1e9 } },
      { recycle: { growth: 1e9 } },
      { restrict: { nice: 1 } },
      { refork: 10 },
    ]
    for (const one of options) {
      const name = one.recycle ? `recycle.${Object.keys(one.recycle)[0]}` : Object.keys(one)[0]
      const message = `option ${name} is not possible for remote processes`
      assert.throws(() => start(one), { name: 'TypeError', message })
      assert.throws(() => connectPool(() => ForkProcess.remote({ command }), module, one), {
        name: 'TypeError',
        message,
      })
    }
    const pooled = start({ isolate: true })
    for (const one of [{ cpuMs: 1 }, { restrict: { nice: 1 } }])
      assert.throws(() => pooled.square.with(one), { message: /is not possible for remote processes/ })
    await poolOf(pooled).close()
    await assert.rejects(prefork(ForkProcess.remote({ command }), module, 'square'), { code: 'ERR_REMOTE' })
  })

  it('refuses a template whose forks have pipes, which would fill up', () => {
    const remote = (): ForkProcess => ForkProcess.remote({ command, stderr: 'pipe' })
    for (const template of [remote(), remote])
      assert.throws(() => connectPool(template, module), {
        name: 'TypeError',
        message: "option stderr of remote() must not be 'pipe' for a pool, which reads no pipes of its workers",
      })
  })

  it('rejects calls with the error of the command if it starts no Node', async () => {
    const pooled = start({ max: 1 }, ForkProcess.remote({ command: ['sh', '-c', 'exit 255; :'] }))
    await assert.rejects(pooled.square(1), (error: NodeJS.ErrnoException) => {
      const codes = [error.code, (error.cause as NodeJS.ErrnoException | undefined)?.code]
      return codes.includes('ERR_PROCESS_EXITED') || codes.includes('ERR_POOL_CRASH_LOOP')
    })
    await poolOf(pooled).close()
  })
})
