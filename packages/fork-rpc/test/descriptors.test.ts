import assert from 'node:assert/strict'
import { type Descriptor, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'
import { passedPipe } from './support/passed-pipe.js'
import { stop } from './support/process-state.js'

const module = new URL('./fixtures/descriptors.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)

// After each test, `useConnections` checks that no descriptor is left open here.
for (const async of [false, true]) {
  describe(`descriptors with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (name: string, options: RpcOptions = {}): Rpc =>
      track(run(fork(), module, name, { async, ...options }))

    it('a descriptor passed as an argument arrives as a Descriptor for the same file', async () => {
      const tag = start('tagOf')
      assert.equal(await tag(passedPipe('one')), 'one')
      assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(each => tag(passedPipe(each)))), ['a', 'b', 'c'])
    })

    it('descriptors may be anywhere within the arrays and plain objects of an argument', async () => {
      const nested = { first: passedPipe('first'), rest: [passedPipe('second'), passedPipe('third')] }
      const tags = await start('tagsWithin')(nested, passedPipe('last'))
      assert.deepEqual(tags, ['first', 'second', 'third', 'last'])
    })

    it('a descriptor may be anywhere within the arrays and plain objects of a result', async () => {
      const { a } = (await start('makeWithin')('deep')) as { a: [number, { b: Descriptor }] }
      assert.equal(tagOf(a[1].b), 'deep')
    })

    it('a function may return descriptors', async () => {
      const made = (await start('make')('a', 'b')) as Descriptor[]
      assert.deepEqual(made.map(tagOf), ['a', 'b'])
    })

    it('a streamed result may yield descriptors', async () => {
      const tags: string[] = []
      for await (const descriptor of start('makeStream')(200)) tags.push(tagOf(descriptor as Descriptor))
      assert.deepEqual(
        tags,
        Array.from({ length: 200 }, (_, i) => `${i}`),
      )
    })

    it('a streamed argument may yield descriptors', async () => {
      function* pipes(): Generator<unknown> {
        for (const tag of ['x', 'y', 'z']) yield [passedPipe(tag)]
      }
      assert.equal(await track(run(fork(), worker, 'closeAllWithin', { async }))(pipes()), 3)
    })

    it('an event may carry a descriptor', async () => {
      const events = new Events()
      await start('sendMade', { onEvent: events.onEvent })('by an event')
      assert.equal(tagOf(events.seen[0]![1] as Descriptor), 'by an event')
    })

    it('600 descriptors arrive in one call, in order', async () => {
      const tags = Array.from({ length: 600 }, (_, i) => `${i}`)
      assert.deepEqual(await start('tagsOf')(tags.map(passedPipe)), tags)
      const made = (await start('makeMany')(600)) as Descriptor[]
      assert.deepEqual(made.map(tagOf), tags)
    })

    it('a passed descriptor can be used in only one call, and only once in it', async () => {
      const tag = start('tagOf')
      const passed = passedPipe('once')
      assert.equal(await tag(passed), 'once')
      await assert.rejects(tag(passed), { name: 'TypeError', message: /can be passed only once/ })
      const twice = passedPipe('twice')
      await assert.rejects(tag(twice, twice), TypeError)
      assert.equal(await tag(twice), 'twice')
    })

    it('a descriptor is closed if its call cannot be sent', async () => {
      await assert.rejects(
        start('tagOf')(passedPipe('unsent'), () => {}),
        TypeError,
      )
    })

    it('descriptors are closed if their calls are aborted before the process has received them', async () => {
      const tag = start('tagOf')
      await tag.ready()
      stop(tag.pid!)
      const calls = Array.from({ length: 20 }, () => tag.with({ timeout: 1 })(passedPipe('aborted')))
      await Promise.all(calls.map(call => assert.rejects(call, { code: 'ERR_CALL_TIMEOUT' })))
    })

    it('descriptors are closed if the process is killed before it has received them, and after', async () => {
      const tag = start('tagOf', { onError: () => {} })
      await tag.ready()
      stop(tag.pid!)
      const pending = tag(passedPipe('pending'))
      process.kill(tag.pid!, 'SIGKILL')
      await assert.rejects(pending, { code: 'ERR_PROCESS_EXITED' })
      await assert.rejects(tag(passedPipe('later')), { code: 'ERR_PROCESS_EXITED' })
    })

    it('the descriptors in the result of an aborted call are closed', async () => {
      const make = start('make')
      await assert.rejects(make.with({ timeout: 0 })('a', 'b'), { code: 'ERR_CALL_TIMEOUT' })
      assert.equal(((await make('c')) as Descriptor[]).map(tagOf).join(), 'c')
    })

    it('the descriptor in an event is closed if there is no onEvent', async () => {
      await start('sendMade')('unheard') // emits a process warning
    })

    it('descriptors that a stream has yielded are closed if the consumer leaves it before it reads them', async () => {
      const stream = (await start('makeStream')(50)) as AsyncIterableIterator<Descriptor>
      tagOf((await stream.next()).value)
      await stream.return!()
    })

    it('a result with a descriptor that cannot be serialised rejects its call', async () => {
      await assert.rejects(start('makeUnsendable')('x'), TypeError)
    })
  })
}
