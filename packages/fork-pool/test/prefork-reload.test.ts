import assert from 'node:assert/strict'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf } from './support/pools.js'
import { get, Load, PIDS, usePrefork } from './support/prefork.js'

const version = (number: number): string => `export default () => (_, response) => response.end('${number}')`

describe('reload() of a prefork server', () => {
  const suite = usePrefork()

  it('replaces all workers by ones that have the code as it is now', async () => {
    const server = await suite.start(version(1))
    assert.equal((await get(server)).body, '1')
    suite.write(version(2))
    await server.reload()
    for (let i = 0; i < 4; i++) assert.equal((await get(server)).body, '2')
    await until(() => server.workers.length === 2)
    assert.deepEqual(
      server.workers.map(({ id, generation }) => [id, generation]),
      [
        [0, 1],
        [1, 1],
      ],
    )
  })

  it('calls that wait for a reload share one, which loads the code as it is then', async () => {
    const server = await suite.start(version(1))
    const first = server.reload()
    await until(() => suite.states.some(({ generation }) => generation === 1))
    suite.write(version(3))
    await Promise.all([first, server.reload(), server.reload()])
    assert.equal((await get(server)).body, '3')
    assert.equal((await server.stats()).reloads, 2)
  })

  for (const [what, source] of [
    ['has a syntax error', 'export const = 1'],
    ['lacks the function', 'export const other = 1'],
    ['makes a worker exit', 'export default () => process.exit(3)'],
  ] as const)
    it(`rejects if the new module ${what}, and the old workers go on`, async () => {
      const server = await suite.start(version(1))
      const pids = server.workers.map(({ pid }) => pid)
      suite.write(source)
      assert.ok(await reasonOf(server.reload()))
      assert.equal((await get(server)).body, '1')
      assert.deepEqual(
        server.workers.filter(({ state }) => state === 'ready').map(({ pid }) => pid),
        pids,
      )
    })

  it('starts a worker again that fails after the first new one, while the old one goes on', async () => {
    const server = await suite.start(version(1), { backOff: { first: 1, longest: 1 } })
    suite.write(
      `import { appendFileSync, readFileSync } from 'node:fs'
       const starts = new URL('./starts', import.meta.url)
       export default ({ id }) => {
         if (id === 1) appendFileSync(starts, 'x')
         if (id === 1 && readFileSync(starts).length < 4) process.exit(5)
         return (_, response) => response.end('2')
       }`,
    )
    await server.reload()
    assert.deepEqual(
      suite.errors.map(({ exitCode }) => exitCode),
      [5, 5, 5],
    )
    assert.equal((await get(server)).body, '2')
  })

  it('no request fails while the server reloads and workers get SIGTERM', async () => {
    const server = await suite.start(PIDS)
    const load = new Load(server, 4)
    for (let round = 0; round < 2; round++) {
      await load.untilAnswered(20)
      await server.reload()
      await load.untilAnswered(20)
      process.kill(server.workers.find(({ state }) => state === 'ready')!.pid!, 'SIGTERM')
    }
    const { sent, answered, errors } = await load.stop()
    assert.deepEqual(errors, [])
    assert.equal(answered, sent)
    assert.deepEqual(suite.errors, [])
  })

  it('stop() ends a reload that is under way', async () => {
    const server = await suite.start(PIDS)
    suite.write('for (;;);')
    const reload = reasonOf(server.reload())
    await server.stop()
    assert.equal((await reload)?.code, 'ERR_POOL_CLOSED')
  })

  it('stop() ends a reload between two workers', async () => {
    const server = await suite.start(PIDS)
    const reload = reasonOf(server.reload())
    await until(() => suite.states.some(({ generation, state }) => generation === 1 && state === 'ready'))
    const waiting = reasonOf(server.reload())
    await server.stop()
    assert.match(String((await reload)?.code), /^(ERR_POOL_CLOSED|undefined)$/) // the second worker may have been ready
    assert.equal((await waiting)?.code, 'ERR_POOL_CLOSED')
  })
})
