import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { connect, type Remote, type RpcControl, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/exit-matrix.js'
import { useConnections } from './support/connections.js'
import { stop } from './support/process-state.js'

const module = new URL('./fixtures/exit-matrix.js', import.meta.url)
/** Takes long enough to send for the process to end meanwhile: 64 MiB. */
const LARGE = Buffer.alloc(64 << 20)

/** How a process ends, and the status that is reported. */
const ENDS = {
  'is killed': { exitCode: null, signal: 'SIGKILL' },
  crashes: { exitCode: null, signal: 'SIGSEGV' },
  exits: { exitCode: 7, signal: null },
  throws: { exitCode: 1, signal: null },
} as const
type End = keyof typeof ENDS
const all = Object.keys(ENDS) as End[]
/**
 * A process that blocks cannot end by itself: a synchronous one between calls and while it waits for a value of a
 * stream, any process while it writes a large result.
 */
const fromOutside: End[] = ['is killed', 'crashes']

interface Connected {
  remote: Remote<typeof Fixture>
  control: RpcControl
  pid: number
}

/** Brings a process into a situation, and makes it end there. Returns what is pending then. */
type Situation = (connected: Connected, end: End) => Promise<Promise<unknown>[]>

const isOwn = (end: End): end is Fixture.OwnEnd => end === 'exits' || end === 'throws'
const endIt = ({ pid }: Connected, end: End): boolean => process.kill(pid, end === 'crashes' ? 'SIGSEGV' : 'SIGKILL')

const idle: Situation = async (connected, end) => {
  if (isOwn(end)) await connected.remote.dieSoon(end)
  else endIt(connected, end)
  return []
}

const runningCalls: Situation = async (connected, end) => {
  const { remote } = connected
  const calls = [isOwn(end) ? remote.die(end) : remote.never(), remote.never(), remote.never()]
  await setImmediate() // the calls are written now
  if (isOwn(end))
    calls.shift() // an asynchronous process may answer it before it ends
  else endIt(connected, end)
  return calls
}

const receivingArguments: Situation = async (connected, end) => {
  const { remote, pid } = connected
  if (isOwn(end)) await remote.dieSoon(end)
  else stop(pid)
  const calls = Array.from({ length: 4 }, () => remote.length(LARGE))
  await setImmediate() // a part of the first argument is written now
  if (!isOwn(end)) endIt(connected, end)
  if (end === 'crashes') process.kill(pid, 'SIGCONT')
  return calls
}

const sendingResult: Situation = async (connected, end) => {
  const { remote, control } = connected
  const calls = [remote.bytes(LARGE.length), remote.bytes(LARGE.length)]
  const { bytesReceived } = control.counters
  while (control.counters.bytesReceived === bytesReceived) await setImmediate()
  endIt(connected, end)
  return calls
}

const streamingResult: Situation = async (connected, end) => {
  const { remote } = connected
  const loop = (async () => {
    let count = 0
    for await (const _ of remote.numbers(isOwn(end) ? end : undefined))
      if (++count === 2 && !isOwn(end)) endIt(connected, end)
  })()
  return [loop, remote.never()]
}

const streamingArgument: Situation = async (connected, end) => {
  let count = 0
  let setEnded!: () => void
  const ended = new Promise<void>(resolve => (setEnded = resolve))
  async function* values(): AsyncGenerator<number> {
    try {
      for (;;) {
        await setImmediate()
        if (++count === 5 && !isOwn(end)) endIt(connected, end)
        yield count
      }
    } finally {
      setEnded()
    }
  }
  const call = connected.remote.readAll(values(), isOwn(end) ? end : undefined)
  return [call.finally(() => ended)]
}

for (const async of [false, true]) {
  describe(`the end of a process, with async: ${async}`, () => {
    const { fork, track } = useConnections()

    const connected = async (errors: Error[]): Promise<Connected> => {
      const remote = connect<typeof Fixture>(fork(), module, { async, onError: error => errors.push(error) })
      const control = track(rpcOf(remote))
      return { remote, control, pid: await remote.pid() }
    }

    for (const [when, situation, synchronous, asynchronous] of [
      ['is idle', idle, fromOutside, all],
      ['runs calls', runningCalls, [...fromOutside, 'exits'], all],
      ['receives a large argument', receivingArguments, fromOutside, all],
      ['sends a large result', sendingResult, fromOutside, fromOutside],
      ['iterates over a result', streamingResult, all, all],
      ['reads a streamed argument', streamingArgument, [...fromOutside, 'exits'], all],
    ] as [string, Situation, End[], End[]][]) {
      for (const end of async ? asynchronous : synchronous) {
        it(`a process that ${end} while it ${when} rejects pending and later calls with its exit status`, async () => {
          const errors: Error[] = []
          const one = await connected(errors)
          const expected = { code: 'ERR_PROCESS_EXITED', ...ENDS[end] }
          for (const pending of await situation(one, end)) await assert.rejects(pending, expected)
          assert.deepEqual(await one.control.ended, { code: expected.exitCode, signal: expected.signal })
          await assert.rejects(one.remote.pid(), expected)
          assert.equal(errors.length, 1)
        })
      }
    }

    it('rejects the next value of a stream that is being read, and causes no uncaught exception', async () => {
      const remote = connect<typeof Fixture>(fork(), module, { async })
      const { ended } = track(rpcOf(remote))
      await assert.rejects(
        async () => {
          for await (const _ of remote.numbers('exits'));
        },
        { code: 'ERR_PROCESS_EXITED', exitCode: 7 },
      )
      await ended
      await setImmediate() // the exception would be thrown on the next tick
    })

    it('rejects a stream that is read further only later, and causes no uncaught exception', async () => {
      const remote = connect<typeof Fixture>(fork(), module, { async })
      const control = track(rpcOf(remote))
      const values = await remote.numbers()
      await values.next()
      process.kill(control.pid!, 'SIGKILL')
      await control.ended
      await setImmediate() // the exception would be thrown on the next tick
      await assert.rejects(
        async () => {
          for await (const _ of values);
        },
        { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' },
      )
    })
  })
}
