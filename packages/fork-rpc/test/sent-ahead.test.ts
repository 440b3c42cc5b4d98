import assert from 'node:assert/strict'
import { isLinux } from '@anyfork/fdpass/internal'
import type { CallOptions, RpcControl, RpcOptions } from '@anyfork/fork-rpc'
import { type EncodedRpc, openEncodedRpc, RequestEncoder, type SentAhead, TAKEN_BACK } from '@anyfork/fork-rpc/internal'
import { Random } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const encoder = new RequestEncoder('cbor', 1e6)

describe('calls that are sent ahead', () => {
  before(function () {
    if (!isLinux) this.skip()
  })
  const { fork, track, makeGate } = useConnections()

  class Ahead {
    readonly rpc: EncodedRpc
    readonly control: RpcControl

    constructor(options: RpcOptions = {}) {
      this.rpc = openEncodedRpc(
        fork(),
        worker,
        undefined,
        { onError: () => {}, onEvent: () => {}, ...options },
        {
          sendsAhead: true,
        },
      )
      this.control = track(this.rpc.control)
    }

    call(name: string, ...args: unknown[]): Promise<unknown> {
      return this.rpc.call(name, args, encoder.encode(args))
    }

    send(name: string, args: unknown[], options?: CallOptions): SentAhead {
      return this.rpc.callAhead(name, encoder.encode(args), options)
    }

    /** Calls a function that blocks the process, and waits until it has begun. */
    async block(): Promise<{ open: () => void; blocked: Promise<unknown> }> {
      const gate = makeGate()
      const events = new Events()
      const args = [gate.pass(), 'blocked']
      const { onEvent } = events
      const blocked = this.rpc.call('blockUntilOpen', args, encoder.encode(args), { onEvent })
      await events.first('begun')
      return { open: () => gate.open(), blocked }
    }
  }

  it('a call is taken back from a process that blocks, and never runs', async () => {
    const ahead = new Ahead()
    const { open, blocked } = await ahead.block()
    const calls = Array.from({ length: 5 }, () => ahead.send('begin', [1]))
    const exit = ahead.send('exit', [1])
    await new Promise(setImmediate) // they have been written
    assert.ok(exit.takeBack())
    assert.ok(!exit.takeBack())
    await assert.rejects(exit.promise, TAKEN_BACK)
    open()
    assert.equal(await blocked, 'blocked')
    assert.deepEqual(await Promise.all(calls.map(({ promise }) => promise)), [1, 1, 1, 1, 1])
    assert.equal(await ahead.call('add', 1, 2), 3)
    assert.equal(ahead.control.counters.pending, 0)
  })

  it('a call is taken back before it has been written', async () => {
    const ahead = new Ahead()
    await ahead.control.ready()
    const exit = ahead.send('exit', [1])
    assert.ok(exit.takeBack())
    await assert.rejects(exit.promise, TAKEN_BACK)
    assert.equal(await ahead.call('add', 1, 2), 3)
  })

  it('a call that has begun or was answered cannot be taken back', async () => {
    const ahead = new Ahead()
    await ahead.control.ready()
    const answered = ahead.send('first', ['answered'])
    assert.equal(await answered.promise, 'answered')
    assert.ok(!answered.takeBack())
    const later = ahead.send('first', ['later']) // has the same ID
    assert.ok(!answered.takeBack())
    assert.equal(await later.promise, 'later')
  })

  it('when the process crashes, the calls before have their results, and those behind can be taken back', async () => {
    for (let round = 0; round < 20; round++) {
      const ahead = new Ahead()
      const { open } = await ahead.block()
      const earlier = Array.from({ length: 8 }, (_, i) => ahead.send('first', [i]))
      const crash = ahead.send('crash', [])
      const behind = Array.from({ length: 8 }, (_, i) => ahead.send('first', [i]))
      await new Promise(setImmediate) // they have been written
      open()
      await assert.rejects(crash.promise, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
      assert.ok(!crash.takeBack())
      for (const [i, { promise, takeBack }] of earlier.entries()) {
        assert.equal(await promise, i)
        assert.ok(!takeBack())
      }
      for (const { promise, takeBack } of behind) {
        await assert.rejects(promise, { code: 'ERR_PROCESS_EXITED' })
        assert.ok(takeBack())
        assert.ok(!takeBack())
      }
    }
  })

  it('when the process crashes, events arrive that it has sent before', async () => {
    const events = new Events()
    const ahead = new Ahead({ onEvent: events.onEvent })
    const { open } = await ahead.block()
    const first = ahead.send('first', ['first'])
    const crash = ahead.send('eventThenCrash', [])
    const behind = ahead.send('first', ['behind'])
    await new Promise(setImmediate)
    open()
    await assert.rejects(crash.promise, { code: 'ERR_PROCESS_EXITED' })
    await assert.rejects(behind.promise, { code: 'ERR_PROCESS_EXITED' })
    assert.equal(await first.promise, 'first')
    assert.deepEqual(events.seen, [['last words']])
  })

  it('false contents of the memory harm only calls of their process', async () => {
    for (let round = 0; round < 20; round++) {
      const ahead = new Ahead()
      const { open } = await ahead.block()
      const random = new Random(round + 1)
      const words = new Int32Array(1024).map(() => random.pick([0, 1, 2, -1, 100, 2 ** 31 - 1, random.integer()]))
      words[0] = 1 // the memory is mapped
      const bytes = round % 2 ? Buffer.from(words.buffer) : random.bytes(4096)
      const calls = [
        ahead.send('scribble', [bytes, round % 3 ? 'crash' : 'return']),
        ...Array.from({ length: 8 }, (_, i) => ahead.send('first', [i])),
      ]
      await new Promise(setImmediate)
      open()
      const isOver = Promise.allSettled(calls.map(({ promise }) => promise))
      const close = round % 3 ? undefined : ahead.control.close()
      for (const outcome of await isOver)
        if (outcome.status === 'rejected')
          assert.match(outcome.reason.code, /^ERR_(PROCESS_EXITED|RPC_PROTOCOL)$/, outcome.reason)
      for (const { takeBack } of calls) takeBack()
      await close
    }
  })

  it('a cancelled call that was sent ahead is dropped', async () => {
    const ahead = new Ahead()
    const { open, blocked } = await ahead.block()
    const controller = new AbortController()
    const { signal } = controller
    const aborted = ahead.send('exit', [1], { signal, awaitAbort: true })
    await new Promise(setImmediate)
    controller.abort()
    await new Promise(setImmediate)
    open()
    await assert.rejects(aborted.promise, { name: 'AbortError' })
    assert.equal(await blocked, 'blocked')
    assert.equal(await ahead.call('add', 1, 2), 3)
  })

  it('the calls that have begun are counted, and those that were long', async () => {
    const ahead = new Ahead()
    await ahead.control.ready()
    const { begun, longCalls } = ahead.rpc
    await ahead.call('block', 1)
    assert.equal(ahead.rpc.begun, begun + 1)
    assert.equal(ahead.rpc.longCalls, longCalls + 1)
    await assert.rejects(ahead.call('fail'))
    assert.equal(ahead.rpc.begun, begun + 2)
  })

  it('the memory is not among the arguments of init', async () => {
    const gate = makeGate()
    const process = fork().sendArg('text').sendFd(gate.readEnd)
    const rpc = openEncodedRpc(process, worker, 'initialised', { init: 'initialise' }, { sendsAhead: true })
    track(rpc.control)
    gate.open()
    assert.match((await rpc.call('', [], encoder.encode([]))) as string, /^text/)
  })
})
