import assert from 'node:assert/strict'
import { pipe, write } from '@anyfork/fdpass'
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
  describe(`init and done with async: ${async}`, () => {
    it('calls init first, with what was sent to the process', async () => {
      const [readEnd, writeEnd] = pipe()
      write(writeEnd, Buffer.from(' and more'))
      writeEnd.close()
      const process = template.fork().sendArg('text').sendFd(readEnd)
      readEnd.close()
      rpc = run(process, worker, 'initialised', { async, init: 'initialise' })
      assert.equal(await rpc(), 'text and more')
    })

    it('rejects when init throws, or is missing', async () => {
      await assert.rejects(start('add', { async, init: 'fail' })(1, 2), { name: 'OwnError' })
      await assert.rejects(start('add', { async, init: 'absent' })(1, 2), { code: 'ERR_EXPORT_NOT_FOUND' })
      await assert.rejects(start('add', { async, init: 'eventTooEarly' })(1, 2), /event/)
    })

    it('calls done at the end, instead of ending the process', async () => {
      const add = start('add', { async, done: 'exitWith' })
      assert.equal(await add(1, 2), 3)
      await add.close()
      assert.deepEqual(await add.ended, { code: 12, signal: null })
    })

    it('calls done of another module at the end', async () => {
      const basename = run(ForkProcess.create(), 'node:path', 'basename', {
        async,
        done: { module: worker, name: 'exitWith' },
      })
      assert.equal(await basename('/a/b'), 'b')
      await basename.close()
      assert.deepEqual(await basename.ended, { code: 12, signal: null })
    })
  })
}
