import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { socketpair } from '@anyfork/fdpass'
import { type ExecOptions, ForkProcess, memoryOf, type Restrictions } from '@anyfork/fork'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const method = {
  half: (number: number) => number / 2,
  double(number: number) {
    return number * 2
  },
}

describe('invalid arguments of ForkProcess', () => {
  const misuses: [what: string, call: (process: ForkProcess) => unknown, message: RegExp][] = [
    ['require() throws TypeError for a relative path', process => process.require('./worker.js'), /relative/],
    ['require() throws TypeError for a number', process => process.require(7 as unknown as string), /a module must be/],
    [
      'require() throws TypeError for a URL that does not name a file',
      process => process.require(new URL('http://localhost/')),
      /http:/,
    ],
    [
      'require() throws TypeError for a file URL with a host',
      process => process.require('file://elsewhere/worker.js'),
      /host/,
    ],
    [
      'require() throws TypeError for a path with a zero byte',
      process => process.require('/worker.js\0'),
      /a module must be/,
    ],
    [
      'sendArg() throws TypeError for a value that cannot be cloned',
      process => process.sendArg(() => {}),
      /cannot be sent/,
    ],
    ['sendArg() throws TypeError for a Descriptor', process => process.sendArg(1, socketpair()[0]), /sendFd/],
    ['eval() throws TypeError for a number', process => process.eval(7 as unknown as string), /code must be/],
    [
      'eval() throws TypeError for a method, whose source text is not a function',
      process => process.eval(method.double, 1),
      /source stands alone/,
    ],
    [
      'eval() throws TypeError for a bound function, whose source text is native',
      process => process.eval(method.half.bind(null), 1),
      /source stands alone/,
    ],
    ['sendFd() throws TypeError for an object without a descriptor', process => process.sendFd({}), /descriptor/],
    ['sendFd() throws TypeError if a later value has no descriptor', process => process.sendFd(0, {}), /descriptor/],
    [
      'warm() throws TypeError if the arguments are not an array',
      process => process.warm(worker, 'hold', 'abc' as unknown as []),
      /array/,
    ],
    ['warm() throws TypeError for too large a count', process => process.warm(worker, 'hold', [], 1e300), /times/],
  ]
  for (const [what, call, message] of misuses) {
    it(`${what}, and sends nothing`, async () => {
      const process = ForkProcess.create()
      assert.throws(() => call(process), { name: 'TypeError', message })
      assert.deepEqual(await answer(await process.run(worker, 'describeArguments')), [], 'nothing was sent')
      await process.exited
      assert.throws(() => process.fork(), TypeError)
    })
  }

  it('new ForkProcess() throws TypeError', () => {
    assert.throws(() => new (ForkProcess as unknown as new () => ForkProcess)(), {
      name: 'TypeError',
      message: /ForkProcess\.create\(\)/,
    })
  })
})

describe('invalid arguments of run()', () => {
  const misuses: [what: string, args: unknown[], message: RegExp][] = [
    ['is missing', [worker.pathname], /must not be a module/],
    ['is undefined', [worker, undefined], /name of a function must be .*, not an object of type URL/],
    ['is null', ['some-package', null], /name of a function must be .*, not null/],
    ['is empty', [worker, ''], /name of a function must be/],
    ['and the module are missing', [], /name of a function must be/],
  ]
  for (const [what, args, message] of misuses) {
    it(`run() rejects with TypeError if the name ${what}; the process can still run`, async () => {
      const process = ForkProcess.create()
      await assert.rejects((process.run as (...args: unknown[]) => Promise<unknown>)(...args), {
        name: 'TypeError',
        message,
      })
      ;(await process.run(worker, 'hold')).close()
      await process.exited
    })
  }

  it('run() rejects with ERR_EXPORT_NOT_FOUND for a property that the module or global object inherits', async () => {
    for (const name of ['toString', 'constructor', 'hasOwnProperty', 'bind', '__proto__']) {
      await assert.rejects(ForkProcess.create().run('node:assert', name), { code: 'ERR_EXPORT_NOT_FOUND' })
      await assert.rejects(ForkProcess.create().run(name), { code: 'ERR_EXPORT_NOT_FOUND' })
    }
  })
})

describe('invalid descriptors of sendFd()', () => {
  it('sendFd() throws EBADF and sends no descriptor if one of them is not open', async () => {
    const process = ForkProcess.create()
    const number = openSync('/dev/null', 'r')
    assert.throws(() => process.sendFd(number, 9999), { code: 'EBADF' })
    process.sendFd(number)
    closeSync(number)
    assert.equal((await answer<unknown[]>(await process.run(worker, 'describeArguments'))).length, 1)
    await process.exited
  })
})

describe('invalid options of exec()', () => {
  const misuses: [what: string, options: unknown, message: RegExp][] = [
    ['a number', 5, /must be an object, not 5/],
    ['null', null, /must be an object, not null/],
    ['a list', [], /must be an object/],
    ['an environment that is a list', { env: ['A=B'] }, /env of exec\(\) must be/],
    ['an environment that is a Map', { env: new Map([['A', 'B']]) }, /env of exec\(\) must be/],
    ['a mode of null', { mode: null }, /mode of exec\(\) must be/],
    ['an empty cwd', { cwd: '' }, /cwd of exec\(\) must be/],
    ['an unknown kind of stdio', { stdio: ['tea'] }, /stdio\[0\] of exec\(\) must be 'inherit', 'ignore', 'pipe', or/],
  ]
  for (const [what, options, message] of misuses) {
    it(`exec() and templateOptions throw TypeError for ${what}`, () => {
      assert.throws(() => ForkProcess.exec(options as ExecOptions), { name: 'TypeError', message })
      assert.throws(() => (ForkProcess.templateOptions = options as ExecOptions), { name: 'TypeError', message })
    })
  }

  it('exec() throws ENOENT for a missing cwd, which it names', () => {
    assert.throws(() => ForkProcess.exec({ cwd: '/no/such/directory' }), {
      code: 'ENOENT',
      message: /no\/such\/directory/,
    })
  })

  it('templateOptions is frozen: assigning to a property throws TypeError', () => {
    assert.throws(() => ((ForkProcess.templateOptions as ExecOptions).title = 'mill'), TypeError)
  })
})

describe('invalid restrictions', () => {
  const misuses: unknown[] = [
    5,
    null,
    [],
    { rlimits: 5 },
    { rlimits: { tea: 1 } },
    { rlimits: { nofile: -1 } },
    { rlimits: { nofile: [2, 1] } },
    { rlimits: { nofile: [64, 64, 64] } },
    { rlimits: { nofile: undefined } },
    { rlimits: { nofile: null } },
    { rlimits: { nofile: 1n } },
    { nice: 20 },
    { umask: 0o1000 },
    { uid: -1 },
    { uid: 2 ** 32 - 1 },
    { gid: 2 ** 40 },
    { cwd: 7 },
    { cwd: '' },
    { cwd: '/etc\0x' },
    { noNewPrivileges: 'no' },
    { unshare: 'net' },
    { unshare: ['pid'] },
    { unshare: ['toString'] },
    { root: '' },
    { noCapabilities: 1 },
    { noSignals: 'yes' },
    { luck: 1 },
  ]
  it('restrict() throws TypeError for invalid limits and unknown names', async () => {
    const process = ForkProcess.create()
    for (const misuse of misuses)
      assert.throws(() => process.restrict(misuse as Restrictions), { name: 'TypeError', message: / (is|must|has) / })
    await process.ready()
    await process.close()
  })
})

describe('invalid process numbers of memoryOf()', () => {
  for (const pid of ['self', '../proc/self', undefined, NaN, -1, 0]) {
    it(`memoryOf() rejects with TypeError for ${String(pid)}`, () =>
      assert.rejects(memoryOf(pid as number), { name: 'TypeError' }))
  }
})
