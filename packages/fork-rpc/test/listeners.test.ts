import assert from 'node:assert/strict'
import { ForkProcess, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { after, afterEach, before, describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)

let template: ForkProcess
let rpc: Rpc | undefined
const start = (name: string, options?: RpcOptions): Rpc => (rpc = run(template.fork(), worker, name, options))

before(async () => {
  template = preload(ForkProcess.exec()).require(worker)
  await template.ready()
})
afterEach(() => rpc?.destroy())
after(() => template.close())

for (const async of [false, true]) {
  describe(`listeners with async: ${async}`, () => {
    it('tells onDestroy of an end that was asked for, and onError of any other, once', async () => {
      const told: string[] = []
      const handlers = { async, onError: () => told.push('error'), onDestroy: () => told.push('destroy') }
      await start('add', handlers).close()
      await start('add', handlers).destroy()
      const killed = start('add', handlers)
      await killed.ready()
      process.kill(killed.pid!, 'SIGKILL')
      await killed.ended
      await start('absent', handlers).ended
      assert.deepEqual(told, ['destroy', 'destroy', 'error', 'error'])
    })

    it('tells onEvent of an error where there is no onError', async () => {
      const told: unknown[] = []
      const add = start('add', {
        async,
        onEvent: (...values) => told.push(values[0], (values[1] as NodeJS.ErrnoException).code),
      })
      await add.ready()
      process.kill(add.pid!, 'SIGKILL')
      await add.ended
      assert.deepEqual(told, ['error', 'ERR_PROCESS_EXITED'])
    })

    it('delivers events in order with the results', async () => {
      const seen: unknown[] = []
      const ticking = start('ticking', { async, onEvent: (...values) => seen.push(values) })
      seen.push(await ticking())
      assert.deepEqual(seen, [['tick', 1], ['tick', 2], ['tick', 3], ['tick', 4], 'done'])
    })

    it('04_flush: an event before the end arrives before the error', async () => {
      const seen: unknown[] = []
      const leaving = start('eventThenExit', {
        async,
        onEvent: (...values) => seen.push(values),
        onError: () => seen.push('error'),
      })
      await assert.rejects(leaving(), { exitCode: 2 })
      await leaving.ended
      assert.deepEqual(seen, [['last words'], 'error'])
    })
  })
}
