import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ForkProcess, type ProcessOptions } from '@anyfork/fork'
import { after, before, describe, it } from 'mocha'
import type { read } from './fixtures/surroundings.js'
import { isForking } from './support/mode.js'

const module = new URL('./fixtures/surroundings.js', import.meta.url)
const surroundings = (process: ForkProcess): Promise<ReturnType<typeof read>> => process.call(module, 'read')

describe('configure()', () => {
  let folder: string
  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-')))
    mkdirSync(join(folder, 'inner'))
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const mode of ['fork', 'exec'] as const) {
    it(`fork() sets environment, arguments, and working folder of one process (mode ${mode})`, async () => {
      const template = ForkProcess.exec({ mode, env: { SHELL: '/bin/sh', LATER: 'no' } }).require(module)
      const options = { env: { LATER: 'yes', EMPTY: '', OMITTED: undefined }, argv: ['a.js', '-b'], cwd: folder }
      const child = template.fork(options)
      assert.deepEqual(await surroundings(child), {
        argv: ['a.js', '-b'],
        cwd: folder,
        env: { LATER: 'yes', EMPTY: '' },
        inherited: 'LATER=yes\nEMPTY=\n',
      })
      assert.deepEqual((await surroundings(template)).env, { SHELL: '/bin/sh', LATER: 'no' })
      await child.close()
      await template.close()
    })

    it(`forks have the surroundings that orders have set before (mode ${mode})`, async () => {
      const template = ForkProcess.exec({ mode })
        .configure({ cwd: pathToFileURL(folder), argv: ['first'] })
        .configure({ env: { A: 'a' } })
        .keepSpares(1)
      await template.ready()
      const child = template.fork({ cwd: 'inner' })
      const inner = child.fork({ argv: [] })
      assert.deepEqual(await surroundings(inner), {
        argv: [],
        cwd: join(folder, 'inner'),
        env: { A: 'a' },
        inherited: 'A=a\n',
      })
      const { argv, cwd } = await surroundings(child)
      assert.deepEqual([argv, cwd], [['first'], join(folder, 'inner')])
      await Promise.all([inner.close(), child.close()])
      await template.close()
    })

    it(`refork() sets the surroundings of the copy only (mode ${mode})`, async () => {
      const running = ForkProcess.exec({ mode })
      const socket = await running.run(module, 'wait')
      const copy = running.refork({ env: { COPY: 'yes' } })
      assert.deepEqual((await surroundings(copy)).env, { COPY: 'yes' })
      await copy.close()
      socket.close()
      assert.deepEqual(await running.exited, { code: 0, signal: null })
    })
  }

  it('keeps the surroundings when an interpreter takes the place of a fork', async () => {
    const template = ForkProcess.exec({ mode: 'auto' })
    const options = { env: { A: 'a' }, argv: ['b'], cwd: folder }
    const child = template.fork(options)
    await child.call(module, 'startThread')
    assert.equal(child.mode, 'exec')
    const { inherited, ...seen } = await surroundings(child)
    assert.deepEqual(seen, options)
    await child.close()
    await template.close()
  })

  it('changes the time zone with the variable TZ', async () => {
    const child = ForkProcess.create({ env: { TZ: 'Asia/Tokyo' } })
    assert.equal(await child.call(module, 'timeZoneOffset'), -540)
    await child.configure({ env: { TZ: 'UTC' } }).ready()
    assert.equal(await child.call(module, 'timeZoneOffset'), 0)
    await child.close()
  })

  it('rejects with the error of the kernel for a folder that does not exist', async () => {
    const child = ForkProcess.create({ cwd: join(folder, 'missing') })
    await assert.rejects(child.ready(), { code: 'ENOENT' })
    assert.deepEqual(await child.exited, { code: 1, signal: null })
    await assert.rejects(ForkProcess.create({ cwd: 'x'.repeat(5000) }).ready(), { code: 'ENAMETOOLONG' })
  })

  it('throws E2BIG for the same variables as execve(2), and for as many', async () => {
    const child = ForkProcess.create()
    for (const length of [(1 << 17) - 3, (1 << 17) - 2]) {
      const env = { A: 'x'.repeat(length) }
      const { error } = spawnSync('/bin/true', { env })
      if (!error) await child.configure({ env }).ready()
      else assert.throws(() => child.configure({ env }), { code: 'E2BIG', syscall: 'execve' })
      assert.equal((error as NodeJS.ErrnoException | undefined)?.code, length === (1 << 17) - 2 ? 'E2BIG' : undefined)
      assert.throws(() => child.configure({ argv: ['x'.repeat(1 << 17)] }), { code: 'E2BIG' })
    }
    assert.throws(() => child.configure({ argv: Array<string>(1 << 20).fill('') }), { code: 'E2BIG' })
    await child.configure({ argv: Array<string>(1 << 17).fill('') }).close()
  })

  const invalid: [what: string, options: unknown][] = [
    ['options that are not an object', 'env'],
    ['an unknown option', { uid: 0 }],
    ['an env that is a text', { env: 'A=b' }],
    ['a variable with a zero byte', { env: { A: 'secret\0' } }],
    ['a variable without a name', { env: { '': 'secret' } }],
    ["a variable with '=' in its name", { env: { 'secret=': 'b' } }],
    ['a variable that is a symbol', { env: { A: Symbol('secret') } }],
    ['an argv that is a text', { argv: 'secret' }],
    ['an argument that is a number', { argv: [1] }],
    ['an argument with a zero byte', { argv: ['secret\0'] }],
    ['an empty cwd', { cwd: '' }],
    ['a cwd with a zero byte', { cwd: '/secret\0' }],
    ['a URL with a zero byte', { cwd: new URL('file:///secret%00') }],
    ['a URL that is not a file', { cwd: new URL('http://secret/') }],
    ['four streams', { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }],
    ['a stdio that is a text', { stdio: 'pipe' }],
    ['an unknown stream', { stdio: ['secret'] }],
    ['a stream without a descriptor', { stdio: [{}] }],
  ]
  for (const [what, options] of invalid) {
    it(`throws a TypeError without its content for ${what}`, async () => {
      const template = ForkProcess.exec()
      for (const order of ['configure', 'fork'] as const) {
        assert.throws(
          () => template[order](options as ProcessOptions),
          (error: Error) => error instanceof TypeError && !error.message.includes('secret'),
        )
      }
      await template.close()
    })
  }

  it('throws a TypeError after run(), close(), and toFd()', async () => {
    const process = ForkProcess.create()
    await process.close()
    assert.throws(() => process.configure({}), { name: 'TypeError', message: 'configure() after close()' })
    assert.throws(() => process.refork({}), { name: 'TypeError', message: 'refork() before run()' })
  })

  if (isForking) {
    it('keeps nothing of the options of one fork for the next', async () => {
      const template = ForkProcess.exec({ mode: 'fork', env: { A: 'a' } })
      const children = [template.fork({ env: { B: 'b' } }), template.fork({ argv: ['c'] }), template.fork()]
      const seen = await Promise.all(children.map(surroundings))
      assert.deepEqual(
        seen.map(({ env, argv }) => [env, argv]),
        [
          [{ B: 'b' }, []],
          [{ A: 'a' }, ['c']],
          [{ A: 'a' }, []],
        ],
      )
      await Promise.all(children.map(child => child.close()))
      await template.close()
    })
  }
})
