import assert from 'node:assert/strict'
import { pipe } from '@anyfork/fdpass'
import { ForkProcess, run } from '@anyfork/fork-rpc'
import { taggedPipe, tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

for (const async of [false, true]) {
  describe(`init and done with async: ${async}`, () => {
    const { fork, start, track } = useConnections()

    it('init runs before the first call, with the arguments and descriptors that were sent to the process', async () => {
      using readEnd = taggedPipe(' and more')
      const initialised = track(
        run(fork().sendArg('text').sendFd(readEnd), worker, 'initialised', { async, init: 'initialise' }),
      )
      assert.equal(await initialised(), 'text and more')
    })

    it('calls reject with the error that init throws', async () => {
      await assert.rejects(start('add', { async, init: 'fail', onError: () => {} })(1, 2), { name: 'OwnError' })
    })

    it('calls reject with ERR_EXPORT_NOT_FOUND if the module does not export init', async () => {
      await assert.rejects(start('add', { async, init: 'absent' })(1, 2), { code: 'ERR_EXPORT_NOT_FOUND' })
    })

    it('event() throws during init', async () => {
      await assert.rejects(start('add', { async, init: 'eventTooEarly' })(1, 2), /event\(\) works in a process/)
    })

    it('done runs when the connection is closed, and decides how the process ends', async () => {
      const add = start('add', { async, done: 'exitSoon' })
      assert.equal(await add(1, 2), 3)
      await add.close()
      assert.deepEqual(await add.ended, { code: 12, signal: null })
    })

    for (const [name, output, code] of [
      ['writeAtEnd', /^at the end\n$/, 0],
      ['failAtEnd', /Error: failed at the end\n {4}at failAtEnd/, 1],
    ] as const)
      it(`the process exits with code ${code} after the promise of done, if exits is set and done is ${name}`, async () => {
        const [readEnd, writeEnd] = pipe()
        const template = ForkProcess.exec({ stdio: ['ignore', writeEnd, writeEnd] })
        writeEnd.close()
        const add = track(run(template.fork(), worker, 'add', { async, done: { module: worker, name, exits: true } }))
        assert.equal(await add(1, 2), 3)
        await add.close()
        assert.deepEqual(await add.ended, { code, signal: null })
        await template.close()
        assert.match(tagOf(readEnd), output)
      })

    it('done may be a function of another module', async () => {
      const basename = track(
        run(fork(), 'node:path', 'basename', { async, done: { module: worker, name: 'exitSoon' } }),
      )
      assert.equal(await basename('/a/b'), 'b')
      await basename.close()
      assert.deepEqual(await basename.ended, { code: 12, signal: null })
    })
  })
}
