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

describe('ForkProcess throws a TypeError at the call', () => {
  const misuses: [what: string, call: (process: ForkProcess) => unknown, message: RegExp][] = [
    ['for a relative module', process => process.require('./worker.js'), /relative/],
    ['for a module that is none', process => process.require(7 as unknown as string), /a module must be/],
    ['for a URL that is no file', process => process.require(new URL('http://localhost/')), /http:/],
    ['for a file elsewhere', process => process.require('file://elsewhere/worker.js'), /host/],
    ['for a zero byte in a path', process => process.require('/worker.js\0'), /a module must be/],
    ['for an argument that cannot be cloned', process => process.sendArg(() => {}), /cannot be sent/],
    ['for a Descriptor as an argument', process => process.sendArg(1, socketpair()[0]), /sendFd/],
    ['for code that is neither text nor function', process => process.eval(7 as unknown as string), /code must be/],
    ['for a method, whose source is no function', process => process.eval(method.double, 1), /source stands alone/],
    [
      'for a bound function, whose source is native',
      process => process.eval(method.half.bind(null), 1),
      /source stands alone/,
    ],
    ['for what has no descriptor', process => process.sendFd({}), /descriptor/],
    ['for what has no descriptor after what has', process => process.sendFd(0, {}), /descriptor/],
    ['for a list of arguments that is none', process => process.warm(worker, 'hold', 'abc' as unknown as []), /array/],
    ['for times that never end', process => process.warm(worker, 'hold', [], 1e300), /times/],
  ]
  for (const [what, call, message] of misuses) {
    it(what, async () => {
      const process = ForkProcess.create()
      assert.throws(() => call(process), { name: 'TypeError', message })
      assert.deepEqual(await answer(await process.run(worker, 'describeArguments')), [], 'nothing was sent')
      await process.exited
      assert.throws(() => process.fork(), TypeError)
    })
  }

  it('for a process that was made by new', () => {
    assert.throws(() => new (ForkProcess as unknown as new () => ForkProcess)(), {
      name: 'TypeError',
      message: /ForkProcess\.create\(\)/,
    })
  })
})

describe('run rejects with a TypeError', () => {
  const misuses: [what: string, args: unknown[], message: RegExp][] = [
    ['where the name is missing', [worker.pathname], /must not be a module/],
    ['where the name is undefined', [worker, undefined], /name of a function must be .*, not an object of type URL/],
    ['where the name is null', ['some-package', null], /name of a function must be .*, not null/],
    ['where the name is empty', [worker, ''], /name of a function must be/],
    ['where there is nothing', [], /name of a function must be/],
  ]
  for (const [what, args, message] of misuses) {
    it(`${what}; the process can still run`, async () => {
      const process = ForkProcess.create()
      await assert.rejects((process.run as (...args: unknown[]) => Promise<unknown>)(...args), {
        name: 'TypeError',
        message,
      })
      ;(await process.run(worker, 'hold')).close()
      await process.exited
    })
  }

  it('but ERR_EXPORT_NOT_FOUND for what every object has', async () => {
    for (const name of ['toString', 'constructor', 'hasOwnProperty']) {
      await assert.rejects(ForkProcess.create().run('node:fs', name), { code: 'ERR_EXPORT_NOT_FOUND' })
      await assert.rejects(ForkProcess.create().run(name), { code: 'ERR_EXPORT_NOT_FOUND' })
    }
  })
})

describe('sendFd', () => {
  it('sends none where one is not open', async () => {
    const process = ForkProcess.create()
    const number = openSync('/dev/null', 'r')
    assert.throws(() => process.sendFd(number, 9999), { code: 'EBADF' })
    process.sendFd(number)
    closeSync(number)
    assert.equal((await answer<unknown[]>(await process.run(worker, 'describeArguments'))).length, 1)
    await process.exited
  })
})

describe('exec throws', () => {
  const misuses: [what: string, options: unknown, message: RegExp][] = [
    ['for options that are a number', 5, /must be an object, not 5/],
    ['for options that are null', null, /must be an object, not null/],
    ['for options that are a list', [], /must be an object/],
    ['for an environment that is a list', { env: ['A=B'] }, /env of exec\(\) must be/],
    ['for an environment that is a map', { env: new Map([['A', 'B']]) }, /env of exec\(\) must be/],
    ['for a mode that is null', { mode: null }, /mode of exec\(\) must be/],
    ['for an empty directory', { cwd: '' }, /cwd of exec\(\) must be/],
    ['for a stream of another kind', { stdio: ['pipe'] }, /stdio\[0\] of exec\(\) must be 'inherit', 'ignore', or/],
  ]
  for (const [what, options, message] of misuses) {
    it(`a TypeError ${what}`, () => {
      assert.throws(() => ForkProcess.exec(options as ExecOptions), { name: 'TypeError', message })
      assert.throws(() => (ForkProcess.templateOptions = options as ExecOptions), { name: 'TypeError', message })
    })
  }

  it('ENOENT for a directory that is not there, and names that', () => {
    assert.throws(() => ForkProcess.exec({ cwd: '/no/such/directory' }), {
      code: 'ENOENT',
      message: /no\/such\/directory/,
    })
  })

  it('what is said of templateOptions is not said by changing what was said', () => {
    assert.throws(() => ((ForkProcess.templateOptions as ExecOptions).title = 'mill'), TypeError)
  })
})

describe('restrict throws a TypeError', () => {
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
    { luck: 1 },
  ]
  it('for what makes no sense', async () => {
    const process = ForkProcess.create()
    for (const misuse of misuses)
      assert.throws(() => process.restrict(misuse as Restrictions), { name: 'TypeError', message: / (must|has) / })
    await process.ready()
    await process.close()
  })
})

describe('memoryOf rejects with a TypeError', () => {
  for (const pid of ['self', '../proc/self', undefined, NaN, -1, 0]) {
    it(`for ${String(pid)}`, () => assert.rejects(memoryOf(pid as number), { name: 'TypeError' }))
  }
})
