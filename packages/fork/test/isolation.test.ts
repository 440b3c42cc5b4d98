import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ForkProcess, type Namespace, type Restrictions } from '@anyfork/fork'
import { isRunning, untilGone } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'

const worker = new URL('./fixtures/isolated.js', import.meta.url)
const isRoot = process.getuid!() === 0
const all: readonly Namespace[] = ['cgroup', 'ipc', 'net', 'user', 'uts']
/** What another user has, if the tests may make one. */
const other: Restrictions = isRoot ? { uid: 65534, gid: 65534 } : {}
/** The codes with which kernels and containers refuse namespaces and Landlock. */
const refusals = ['EPERM', 'ENOSPC', 'ENOSYS', 'EOPNOTSUPP']

interface Description {
  namespaces: Record<Namespace, string>
  capabilities: Record<'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb', string>
  noNewPrivileges: string
  uid: number
  gid: number
}

describe('restrict with isolation', () => {
  let template: ForkProcess
  let folder: string

  before(async () => {
    template = ForkProcess.exec().require(worker)
    await template.ready()
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    chmodSync(folder, 0o755) // another user looks into it
  })
  after(async () => {
    await template.close()
    rmSync(folder, { recursive: true })
  })

  /** Runs a function of the worker in a process with these restrictions. Skips the test if the system refuses them. */
  async function ask<T>(test: Mocha.Context, restrictions: Restrictions, name: string, ...args: number[]): Promise<T> {
    const child = template.fork().restrict(restrictions)
    try {
      await child.ready()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!refusals.includes(code!)) throw error
      console.log(`      the system refuses this: ${message}`)
      return test.skip()
    }
    return answer<T>(await child.sendArg(...args).run(worker, name))
  }

  it('unshare gives a process new namespaces, in which user and group keep their numbers', async function () {
    const plain = await ask<Description>(this, other, 'describe')
    const { namespaces, uid, gid } = await ask<Description>(this, { ...other, unshare: all }, 'describe')
    assert.deepEqual(
      all.filter(name => namespaces[name] === plain.namespaces[name]),
      [],
    )
    assert.deepEqual([uid, gid], [plain.uid, plain.gid])
  })

  it('with privileges, unshare needs no user namespace; without both, it rejects with EPERM', async function () {
    if (isRoot) {
      const plain = await ask<Description>(this, {}, 'describe')
      const { namespaces, uid } = await ask<Description>(this, { ...other, unshare: ['net', 'ipc'] }, 'describe')
      assert.notEqual(namespaces.net, plain.namespaces.net)
      assert.equal(namespaces.user, plain.namespaces.user)
      assert.equal(uid, 65534)
    }
    const child = template.fork().restrict(other)
    await assert.rejects(child.restrict({ unshare: ['net'] }).ready(), { code: 'EPERM', syscall: 'unshare' })
  })

  it('a process in a network namespace of its own reaches no port of this machine', async function () {
    const server = createServer(socket => socket.destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    try {
      assert.equal(await ask(this, other, 'connect', port), 'connected')
      assert.equal(await ask(this, { ...other, unshare: ['user', 'net'] }, 'connect', port), 'ENETUNREACH')
    } finally {
      server.close()
    }
  })

  it('noCapabilities drops the capabilities that a user namespace gives', async function () {
    const inNamespace = { ...other, unshare: ['user'] as const }
    const before = await ask<Description>(this, inNamespace, 'describe')
    assert.notEqual(before.capabilities.CapEff, '0')
    const { capabilities, noNewPrivileges } = await ask<Description>(
      this,
      { ...inNamespace, noCapabilities: true },
      'describe',
    )
    assert.deepEqual(capabilities, { CapInh: '0', CapPrm: '0', CapEff: '0', CapBnd: '0', CapAmb: '0' })
    assert.equal(noNewPrivileges, '1')
  })

  it('noCapabilities drops the capabilities of root', async function () {
    if (!isRoot) return this.skip()
    const { capabilities, uid } = await ask<Description>(this, { noCapabilities: true }, 'describe')
    assert.deepEqual([new Set(Object.values(capabilities)), uid], [new Set(['0']), 0])
  })

  it('noSignals lets a process of the same user signal itself, but not its owner, its template, and their other forks', async function () {
    const sibling = template.fork()
    await sibling.ready()
    const pids = [process.pid, template.pid!, sibling.pid!]
    const allowed = ['allowed', 'allowed', 'allowed']
    assert.deepEqual(await ask(this, {}, 'signal', ...pids), { codes: ['allowed', ...allowed], memory: allowed })
    assert.deepEqual(await ask(this, { noSignals: true, noCapabilities: true }, 'signal', ...pids), {
      codes: ['allowed', 'EPERM', 'EPERM', 'EPERM'],
      memory: ['EACCES', 'EACCES', 'EACCES'],
    })
    await sibling.close()
  })

  it('root hides all other files, and is the working folder', async function () {
    const root = join(folder, 'root')
    mkdirSync(join(root, 'inner'), { recursive: true })
    writeFileSync(join(root, 'file'), '')
    const isolated: Restrictions = { ...other, root, unshare: ['user'], noCapabilities: true }
    const names = ['file', 'inner']
    assert.deepEqual(await ask(this, isolated, 'look'), { names, cwd: '/' })
    assert.deepEqual(await ask(this, { ...isolated, cwd: 'inner' }, 'look'), { names, cwd: '/inner' })
    const missing = template.fork().restrict({ ...isolated, root: join(folder, 'missing') })
    await assert.rejects(missing.ready(), { code: 'ENOENT', syscall: 'chroot' })
  })

  it('a process whose root has no /proc is not forked, and goes on', async function () {
    if (!isRoot) return this.skip()
    const child = template.fork().restrict({ root: folder })
    await assert.rejects(child.fork().ready(), { code: 'ENOENT' })
    assert.equal(((await answer(await child.run(worker, 'look'))) as { cwd: string }).cwd, '/')
  })

  it('a fork of an isolated process is isolated, too', async function () {
    await ask(this, { ...other, unshare: all, noSignals: true }, 'look') // skips
    const parent = template.fork().restrict({ ...other, unshare: all, noSignals: true, noCapabilities: true })
    const child = parent.fork()
    const { codes } = await answer<{ codes: string[] }>(await child.sendArg(process.pid).run(worker, 'signal'))
    assert.deepEqual(codes, ['allowed', 'EPERM'])
    await parent.close()
  })

  for (const restrictions of [{ unshare: all }, { noCapabilities: true }, { noSignals: true }] as const)
    it(`${Object.keys(restrictions)} rejects with ERR_FOREIGN_THREADS in a fresh interpreter, which has several threads`, async () => {
      const child = ForkProcess.exec().restrict(restrictions)
      await assert.rejects(child.ready(), { code: 'ERR_FOREIGN_THREADS', message: /needs a process with one thread/ })
    })

  it('isolated processes end when their owner is killed', async function () {
    const sets: Restrictions[] = [
      { ...other, unshare: all, noCapabilities: true, noSignals: true },
      { noSignals: true, noCapabilities: true },
      { ...other, unshare: ['user'], root: folder },
    ]
    for (const restrictions of sets) await ask(this, restrictions, 'look') // skips
    const program = fileURLToPath(new URL('./fixtures/owner-of-isolated.js', import.meta.url))
    const owner = spawn(process.execPath, [program, JSON.stringify(sets)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const pids = JSON.parse(line) as number[]
    owner.kill('SIGKILL')
    try {
      await untilGone(...pids)
    } finally {
      for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  })
})
