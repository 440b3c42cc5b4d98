import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { ForkProcess } from '@anyfork/fork-pool'
import { prefork } from '@anyfork/fork-pool/prefork'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf } from './support/pools.js'
import { get, PIDS, portOf, usePrefork } from './support/prefork.js'

describe('prefork()', () => {
  const suite = usePrefork()

  it('resolves when all workers accept connections', async () => {
    const server = await suite.start(PIDS, { workers: 3 })
    assert.deepEqual(
      server.workers.map(({ id, state, generation }) => ({ id, state, generation })),
      [0, 1, 2].map(id => ({ id, state: 'ready', generation: 0 })),
    )
    const pids = server.workers.map(({ pid }) => String(pid))
    assert.ok(pids.includes((await get(server)).body))
  })

  const forms: [what: string, source: string][] = [
    ['a request listener', PIDS],
    ['a promise of a request listener', 'export default async () => (_, response) => response.end("answer")'],
    [
      'a server',
      `import { createServer } from 'node:http'
       export default () => createServer((_, response) => response.end("answer"))`,
    ],
  ]
  for (const [what, source] of forms)
    it(`serves with a function that returns ${what}`, async () => {
      assert.equal((await get(await suite.start(source))).status, 200)
    })

  it('serves with a server of node:net', async () => {
    const server = await suite.start(
      `import { createServer } from 'node:net'
       export default () => createServer(socket => socket.end('hello'))`,
    )
    assert.equal(await text(connect(portOf(server), '127.0.0.1')), 'hello')
  })

  it('gives each worker the number of its place', async () => {
    const server = await suite.start(
      `import { writeFileSync } from 'node:fs'
       export default ({ id, signal }) => {
         writeFileSync(new URL('./id-' + id, import.meta.url), String(signal.aborted))
         return (_, response) => response.end()
       }`,
    )
    assert.equal(server.workers.length, 2)
    for (const id of [0, 1]) assert.equal(readFileSync(suite.pathOf(`id-${id}`), 'utf8'), 'false')
  })

  it('calls a named export, in workers of the given template', async () => {
    suite.write('export const named = () => (_, response) => response.end(globalThis.greeting)')
    const makeTemplate = (): ForkProcess => ForkProcess.exec().eval('globalThis.greeting = "hello"')
    await using server = await prefork(makeTemplate, suite.module, 'named', { workers: 1, signals: false })
    assert.equal((await get(server)).body, 'hello')
    await server.reload()
    assert.equal((await get(server)).body, 'hello')
  })

  const broken: [what: string, source: string | undefined, expected: object][] = [
    ['the module does not exist', undefined, { code: 'ERR_MODULE_NOT_FOUND' }],
    ['the module throws', 'throw new Error("broken")', { code: 'ERR_MODULE_FAILED' }],
    ['the module lacks the function', 'export const other = 1', { code: 'ERR_EXPORT_NOT_FOUND' }],
    ['the function throws', 'export default () => { throw new RangeError("broken") }', { name: 'RangeError' }],
    ['the function returns something else', 'export default () => "secret"', { name: 'TypeError' }],
    [
      'the server listens already',
      `import { createServer } from 'node:http'
       export default () => createServer().listen(0)`,
      { name: 'TypeError' },
    ],
    ['a worker exits before it is ready', 'export default () => process.exit(3)', { exitCode: 3 }],
  ]
  for (const [what, source, expected] of broken)
    it(`rejects if ${what}, and leaves nothing behind`, async () => {
      const started = source === undefined ? prefork(suite.module, { workers: 2 }) : suite.start(source)
      const reason = (await reasonOf(started)) as Error & Record<string, unknown>
      for (const [name, value] of Object.entries(expected)) assert.equal(reason[name], value, reason.message)
      assert.doesNotMatch(reason.message, /secret/)
    })

  it('rejects with ERR_POOL_START_TIMEOUT if a worker is not ready in time', async () => {
    const never = 'export default () => new Promise(() => setInterval(() => {}, 60_000))'
    assert.equal((await reasonOf(suite.start(never, { startTimeout: 500 })))?.code, 'ERR_POOL_START_TIMEOUT')
  })

  it('rejects with ERR_POOL_START_TIMEOUT if the module never loads', async () => {
    const reason = await reasonOf(suite.start('for (;;);', { startTimeout: 500 }))
    assert.equal(reason?.code, 'ERR_POOL_START_TIMEOUT')
  })

  it('stats() reports what the server has done', async () => {
    const server = await suite.start(PIDS)
    for (let i = 0; i < 3; i++) await get(server)
    await server.reload()
    await get(server)
    await until(() => server.workers.length === 2)
    const stats = await server.stats()
    assert.deepEqual(
      { started: stats.started, died: stats.died, killed: stats.killed, reloads: stats.reloads },
      { started: 4, died: 0, killed: 0, reloads: 1 },
    )
    assert.equal(
      stats.workers.reduce((sum, { served }) => sum + served!.requests, 0),
      1,
    )
    for (const { memory, mode } of [...stats.workers, stats.template]) {
      assert.ok(memory!.pss > 0)
      assert.equal(mode, stats.template.mode)
    }
  })

  it('stop() ends all processes, closes the listener, and can be called again', async () => {
    const server = await suite.start(PIDS)
    await Promise.all([server.stop(), server.stop(), server.stopped])
    assert.deepEqual(server.workers, [])
    assert.equal((await reasonOf(get(server)))?.code, 'ECONNREFUSED')
    await server.stop()
    assert.equal((await reasonOf(server.reload()))?.code, 'ERR_POOL_CLOSED')
    assert.deepEqual(suite.errors, [])
  })

  it('a worker calls the function done before it exits', async () => {
    const server = await suite.start(
      `import { writeFileSync } from 'node:fs'
       import { setImmediate } from 'node:timers/promises'
       export default () => (_, response) => response.end()
       export const tearDown = async () => {
         await setImmediate()
         writeFileSync(new URL('./done-' + process.pid, import.meta.url), '')
       }`,
      { done: 'tearDown' },
    )
    const { workers } = server
    await server.stop()
    for (const { pid } of workers) assert.ok(existsSync(suite.pathOf(`done-${pid}`)))
    assert.ok(suite.states.filter(({ state }) => state === 'ended').every(({ exitCode }) => exitCode === 0))
  })

  it('onWorker receives each state of a worker', async () => {
    const server = await suite.start(PIDS, { workers: 1 })
    await server.stop()
    assert.deepEqual(
      suite.states.map(({ state, exitCode }) => [state, exitCode]),
      [
        ['ready', undefined],
        ['draining', undefined],
        ['ended', 0],
      ],
    )
  })
})
