import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { isRunning, outputOf, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { get, Load, PIDS, portOf, usePrefork } from './support/prefork.js'

const FAST = { backOff: { first: 1, longest: 1 } }

describe('failures of a prefork server', () => {
  const suite = usePrefork()

  it('a killed worker is replaced', async () => {
    const server = await suite.start(PIDS)
    const { pid, id } = server.workers[0]!
    process.kill(pid!, 'SIGKILL')
    await until(() => suite.states.some(one => one.pid === pid && one.state === 'ended'))
    await until(() => server.workers.filter(({ state }) => state === 'ready').length === 2)
    assert.deepEqual(server.workers.map(worker => worker.id).sort(), [0, 1])
    assert.ok(server.workers.some(worker => worker.id === id && worker.pid !== pid))
    assert.deepEqual(
      suite.errors.map(({ code, signal, message }) => [code, signal, message]),
      [['ERR_PROCESS_EXITED', 'SIGKILL', `worker ${id} was ended by SIGKILL`]],
    )
    assert.equal((await server.stats()).died, 1)
  })

  it('only requests on the connections of a killed worker fail, at most one per connection', async () => {
    const CLIENTS = 8
    const server = await suite.start(PIDS)
    const load = new Load(server, CLIENTS)
    await load.untilAnswered(50)
    process.kill(server.workers[0]!.pid!, 'SIGKILL')
    await until(() => suite.states.filter(({ state }) => state === 'ready').length === 3)
    await load.untilAnswered(50)
    const { sent, answered, errors } = await load.stop()
    assert.equal(sent, answered + errors.length)
    assert.ok(errors.length <= CLIENTS)
  })

  it('connections wait while no worker is alive, and none is refused', async () => {
    const server = await suite.start(PIDS, { workers: 1, ...FAST })
    const pid = server.workers[0]!.pid!
    process.kill(pid, 'SIGSTOP') // connections go to the backlog, and stay there when the worker dies
    const answers = Array.from({ length: 10 }, () => get(server))
    const probe = connect(portOf(server), '127.0.0.1')
    await once(probe, 'connect')
    probe.destroy()
    process.kill(pid, 'SIGKILL')
    for (const { body } of await Promise.all(answers)) assert.notEqual(body, String(pid))
  })

  it('workers that die again and again are started with back-off until they serve', async () => {
    const DEATHS = 10
    const server = await suite.start(PIDS, FAST)
    suite.write(
      `import { appendFileSync, readFileSync } from 'node:fs'
       const starts = new URL('./starts', import.meta.url)
       export default () => {
         appendFileSync(starts, process.pid + ' ')
         const earlier = readFileSync(starts, 'utf8').split(' ').indexOf(String(process.pid))
         if (earlier === 0) return (_, response) => response.end('first')
         if (earlier <= ${DEATHS}) setImmediate(() => setImmediate(() => process.exit(7)))
         return (_, response) => response.end('later')
       }`,
    )
    await server.reload()
    await until(async () => (await server.stats()).died === DEATHS)
    await until(() => server.workers.filter(({ state }) => state === 'ready').length === 2)
    for (let request = 0; request < 10; request++) assert.match((await get(server)).body, /^(first|later)$/)
    assert.ok(suite.errors.every(({ code }) => code === 'ERR_PROCESS_EXITED'))
  })

  it('stop() ends the back-off of workers that fail to start', async () => {
    const server = await suite.start(PIDS, { backOff: { first: 1_000_000, longest: 1_000_000 } })
    suite.write(
      `import { appendFileSync, readFileSync } from 'node:fs'
       const starts = new URL('./starts', import.meta.url)
       export default () => {
         appendFileSync(starts, 'x')
         if (readFileSync(starts).length > 1) process.exit(7)
         return () => {}
       }`,
    )
    const reload = server.reload().catch(error => error)
    await until(async () => (await server.stats()).died >= 2)
    await server.stop({ grace: 0 })
    assert.equal((await reload).code, 'ERR_POOL_CLOSED')
  })

  it('workers that cannot be started because the descriptor table is full leave no process behind', async () => {
    const program = new URL('fixtures/prefork-full-table.js', import.meta.url)
    assert.equal(await outputOf(program, [], { openFiles: 100 }), 'one worker\n')
  })

  it('invalid counts of a worker are not reported', async () => {
    const server = await suite.start(
      `import { Socket } from 'node:net'
       const { get } = Object.getOwnPropertyDescriptor(Map.prototype, 'size')
       Object.defineProperty(Map.prototype, 'size', {
         get() {
           return this.keys().next().value instanceof Socket ? { many: true } : get.call(this)
         }
       })
       ${PIDS}`,
      { workers: 1 },
    )
    const served = async (): Promise<unknown> => (await server.stats()).workers[0]!.served
    await until(async () => isDeepStrictEqual(await served(), { connections: 0, pending: 0, requests: 0 }))
    const client = connect(portOf(server), '127.0.0.1')
    await once(client, 'connect')
    await until(async () => (await served()) === undefined)
    client.destroy()
    await until(async () => (await served()) !== undefined)
  })

  it('the workers of a killed template go on, and the next one comes from another template', async () => {
    const server = await suite.start(PIDS)
    const { template } = await server.stats()
    process.kill(template.pid!, 'SIGKILL')
    await until(() => !isRunning(template.pid!))
    assert.equal((await get(server)).status, 200)
    const pid = server.workers[0]!.pid!
    process.kill(pid, 'SIGTERM')
    await until(() => server.workers.every(worker => worker.pid !== pid && worker.state === 'ready'))
    assert.notEqual((await server.stats()).template.pid, template.pid)
    assert.deepEqual(suite.errors, [])
  })
})
