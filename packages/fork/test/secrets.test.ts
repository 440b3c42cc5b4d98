import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { ForkProcess } from '@anyfork/fork'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'

const SECRET = 'hunter2'
const worker = new URL('./fixtures/worker.js', import.meta.url)

/** Values that cannot be cloned, and how a message describes them. */
const unclonable: Record<string, [value: unknown, described: string]> = {
  'a function': [() => 'hunter2', 'a function at [0]'],
  'a nested function': [{ a: { b: [1, () => 'hunter2'] } }, 'a function at [0].a.b[1]'],
  'a symbol': [Symbol(SECRET), 'a symbol at [0]'],
  'a class': [class hunter2 {}, 'a function at [0]'],
  'a proxy': [new Proxy({ a: SECRET }, {}), 'a proxy at [0]'],
  'a WeakMap': [new WeakMap(), 'an object of type WeakMap at [0]'],
  'a promise': [Promise.resolve(SECRET), 'an object of type Promise at [0]'],
  'a SharedArrayBuffer': [new SharedArrayBuffer(1), 'an object of type SharedArrayBuffer at [0]'],
  'a value of a Map': [new Map([[SECRET, () => {}]]), 'a function at [0].values()'],
  'a key of a Map': [new Map([[() => {}, SECRET]]), 'a function at [0].keys()'],
  'an element of a Set': [new Set([SECRET, () => {}]), 'a function at [0].values()'],
  'the environment in a Map': [new Map([[1, process.env]]), 'an object at [0].values()'],
}

describe('secrets in errors', () => {
  let template: ForkProcess
  before(() => {
    process.env['ANYFORK_TEST_SECRET'] = SECRET
    template = ForkProcess.exec()
  })
  after(async () => {
    delete process.env['ANYFORK_TEST_SECRET']
    await template.close()
  })

  for (const [what, [value, described]] of Object.entries(unclonable)) {
    it(`sendArg() of ${what} throws TypeError with its type and path, but without its content`, () => {
      assert.throws(
        () => template.sendArg(value),
        (error: Error) => {
          assert.ok(error instanceof TypeError)
          assert.ok(error.message.endsWith(` ${described}`), error.message)
          const [own] = inspect({ ...error, message: error.message, cause: error.cause }).split('\n    at ')
          assert.ok(!own!.includes(SECRET), own)
          return true
        },
      )
    })
  }

  it('a cyclic value that cannot be cloned is rejected with the path of the part that prevents it', () => {
    const value: Record<string, unknown> = {}
    Object.assign(value, { self: value, list: [value, () => {}] })
    assert.throws(() => template.eval((_: unknown) => {}, value), { message: /a function at args\[0\]\.list\[1\]$/ })
  })

  it('the error of a getter is the cause of the TypeError of sendArg()', () => {
    const cause = new Error('cannot be read')
    const value = {
      get text(): string {
        throw cause
      },
    }
    assert.throws(() => template.sendArg(value), { name: 'TypeError', cause })
  })

  it('sendArg() sends process.env as a copy, also within other values', async () => {
    const cyclic: Record<string, unknown> = { list: [process.env, undefined, 'x'] }
    cyclic['self'] = cyclic
    const child = template.fork().sendArg(process.env, cyclic)
    child.eval(
      'globalThis.describe = (socket, env, { list, self }) => socket.toSocket().end(JSON.stringify([env.ANYFORK_TEST_SECRET, list[0].ANYFORK_TEST_SECRET, list.length, self.list === list]))',
    )
    assert.deepEqual(await answer(await child.run('describe')), [SECRET, SECRET, 3, true])
    const other = template.fork().sendArg({ ...process.env })
    assert.deepEqual(await answer(await other.run(worker, 'describeArguments')), [{ ...process.env }])
  })

  it('options of exec() with zero bytes are rejected without their content', () => {
    const text = `${SECRET}\0`
    for (const option of [{ env: { A: text } }, { env: { [text]: 'a' } }, { execArgv: [text] }, { cwd: text }])
      assert.throws(
        () => ForkProcess.exec(option as never),
        (error: Error) =>
          error instanceof TypeError && !inspect(error.message).includes(SECRET) && /zero bytes/.test(error.message),
      )
  })

  it('an invalid URL of a module is rejected without its content', () => {
    assert.throws(
      () => template.require(`file://[${SECRET}`),
      (error: Error) =>
        error instanceof TypeError && !inspect({ ...error }).includes(SECRET) && !error.message.includes(SECRET),
    )
  })

  it('a function whose source does not stand alone is rejected without its source', () => {
    const { method } = {
      method(): string {
        return 'hunter2'
      },
    }
    assert.throws(
      () => template.eval(method),
      (error: Error) => error instanceof TypeError && error.cause === undefined && !error.message.includes(SECRET),
    )
  })

  it('an object that is thrown appears in a message by its type only, and a data: URL without its code', async () => {
    const throwing = template.fork().eval('throw { toString: () => "hunter2" }')
    await assert.rejects(throwing.ready(), { code: 'ERR_EVAL_FAILED', message: 'eval failed: an object' })
    const url = 'data:text/javascript,throw new URL("http://user:hunter2@host")'
    await assert.rejects(template.fork().require(url).ready(), {
      code: 'ERR_MODULE_FAILED',
      message: 'module data:… failed while loading: an object of type URL',
    })
  })
})
