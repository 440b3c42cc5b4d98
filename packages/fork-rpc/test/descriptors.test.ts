import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Descriptor, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { tagOf as textOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'
import { passedPipe as pass } from './support/passed-pipe.js'

const module = new URL('./fixtures/descriptors.js', import.meta.url)

for (const async of [false, true]) {
  describe(`descriptors with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (name: string, options: RpcOptions = {}): Rpc =>
      track(run(fork(), module, name, { async, ...options }))

    it('are arguments, each a Descriptor of its own', async () => {
      const text = start('textOf')
      assert.equal(await text(pass('one')), 'one')
      assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(tag => text(pass(tag)))), ['a', 'b', 'c'])
    })

    it('are anywhere within arrays and plain objects', async () => {
      const first = pass('first')
      assert.deepEqual(await start('textsWithin')({ first, rest: [pass('second'), pass('third')] }, pass('last')), [
        'first',
        'second',
        'third',
        'last',
      ])
      const { a } = (await start('makeWithin')('deep')) as { a: [number, { b: Descriptor }] }
      assert.equal(textOf(a[1].b), 'deep')
    })

    it('are results, values of streams, and of events', async () => {
      const made = (await start('make')('a', 'b')) as Descriptor[]
      assert.deepEqual(made.map(textOf), ['a', 'b'])
      const texts: string[] = []
      for await (const descriptor of start('makeStream')(200)) texts.push(textOf(descriptor as Descriptor))
      assert.deepEqual(
        texts,
        Array.from({ length: 200 }, (_, i) => `${i}`),
      )
      const events = new Events()
      await start('makeAndTell', { onEvent: events.onEvent })('told')
      assert.equal(textOf(events.seen[0]![1] as Descriptor), 'told')
    })

    it('are values of streams that are arguments', async () => {
      function* pipes(): Generator<unknown> {
        for (const tag of ['x', 'y', 'z']) yield [pass(tag)]
      }
      const module = new URL('./fixtures/worker.js', import.meta.url)
      const counting = track(run(fork(), module, 'closeAllWithin', { async }))
      assert.equal(await counting(pipes()), 3)
    })

    it('go in one call by the thousand', async () => {
      const tags = Array.from({ length: 600 }, (_, i) => `${i}`)
      assert.deepEqual(await start('texts')(tags.map(pass)), tags)
      const made = (await start('makeMany')(600)) as Descriptor[]
      assert.deepEqual(made.map(textOf), tags)
    })

    it('pass once', async () => {
      const text = start('textOf')
      const passed = pass('once')
      assert.equal(await text(passed), 'once')
      await assert.rejects(text(passed), TypeError)
      const twice = pass('twice')
      await assert.rejects(text(twice, twice), TypeError)
      assert.equal(await text(twice), 'twice')
    })

    it('are closed when the call cannot be sent, is given up, or its process is gone', async () => {
      const text = start('textOf', { onError: () => {} })
      await assert.rejects(
        text(pass('lost'), () => {}),
        TypeError,
      )
      await text.ready()
      process.kill(text.pid!, 'SIGSTOP')
      const given = Array.from({ length: 20 }, () => text.with({ timeout: 1 })(pass('given up')))
      await Promise.all(given.map(call => assert.rejects(call, { code: 'ERR_CALL_TIMEOUT' })))
      const late = text(pass('too late'))
      process.kill(text.pid!, 'SIGKILL')
      await assert.rejects(late, { code: 'ERR_PROCESS_EXITED' })
      await assert.rejects(text(pass('much too late')), { code: 'ERR_PROCESS_EXITED' })
    })

    it('are closed here when nobody waits for the result, or listens to the event', async () => {
      const make = start('make')
      await assert.rejects(make.with({ timeout: 0 })('a', 'b'), { code: 'ERR_CALL_TIMEOUT' })
      await start('makeAndTell')('unheard') // and a warning
      assert.equal(((await make('c')) as Descriptor[]).map(textOf).join(), 'c')
      const stream = (await start('makeStream')(50)) as AsyncIterableIterator<Descriptor>
      textOf((await stream.next()).value)
      await stream.return!()
    })

    it('reject the call whose result cannot be serialised, and are closed', async () => {
      await assert.rejects(start('makeAndFail')('x'))
    })

    it('are not lost when the table of the child is full', async () => {
      const texts = track(
        run(fork().restrict({ rlimits: { nofile: 60 } }), module, 'hoardThenTexts', { async, init: 'nothing' }),
      )
      const calls = Array.from({ length: 5 }, (_, i) => texts(200, [pass(`${i}a`), pass(`${i}b`), pass(`${i}c`)]))
      assert.deepEqual(
        await Promise.all(calls),
        calls.map((_, i) => [`${i}a`, `${i}b`, `${i}c`]),
      )
    })

    it('are not lost when the table here is full', async () => {
      const program = fileURLToPath(new URL('./fixtures/full-table.js', import.meta.url))
      const { stdout } = await promisify(execFile)(
        'sh',
        ['-c', 'ulimit -n 80 && exec "$@"', 'sh', process.execPath, program, String(async)],
        { timeout: 15_000 },
      )
      assert.equal(stdout, 'a,b,c\n')
    })
  })
}
