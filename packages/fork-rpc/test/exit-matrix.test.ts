import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { connect, type Remote, type RpcControl, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Deaths from './fixtures/exit-matrix.js'
import { useConnections } from './support/connections.js'

const module = new URL('./fixtures/exit-matrix.js', import.meta.url)
const LARGE = Buffer.alloc(64 << 20)

/** How a process ends, and what is told of it. */
const ENDS = {
  'is killed': { exitCode: null, signal: 'SIGKILL' },
  crashes: { exitCode: null, signal: 'SIGSEGV' },
  exits: { exitCode: 7, signal: null },
  throws: { exitCode: 1, signal: null },
} as const
type End = keyof typeof ENDS
/** What a process does itself, it does not while it blocks: a synchronous one between calls and while it waits for a value, any while it writes what is large. */
const all = Object.keys(ENDS) as End[]
const fromOutside: End[] = ['is killed', 'crashes']

interface Connected {
  remote: Remote<typeof Deaths>
  control: RpcControl
  pid: number
}

/** Brings a process to where it is to end, and there to its end; what is awaited of it then. */
type Moment = (connected: Connected, end: End) => Promise<Promise<unknown>[]>

const isByItself = (end: End): end is Deaths.Way => end === 'exits' || end === 'throws'
const endIt = ({ pid }: Connected, end: End): boolean => process.kill(pid, end === 'crashes' ? 'SIGSEGV' : 'SIGKILL')

const idle: Moment = async (connected, end) => {
  if (isByItself(end)) await connected.remote.dieSoon(end)
  else endIt(connected, end)
  return []
}

const withinCalls: Moment = async (connected, end) => {
  const { remote } = connected
  const calls = [isByItself(end) ? remote.die(end) : remote.never(), remote.never(), remote.never()]
  await setImmediate()
  if (isByItself(end))
    calls.shift() // in an asynchronous one it may have been answered before
  else endIt(connected, end)
  return calls
}

const withinArguments: Moment = async (connected, end) => {
  const { remote, pid } = connected
  if (isByItself(end)) await remote.dieSoon(end)
  else process.kill(pid, 'SIGSTOP')
  const calls = Array.from({ length: 4 }, () => remote.length(LARGE))
  await setImmediate()
  if (!isByItself(end)) endIt(connected, end)
  if (end === 'crashes') process.kill(pid, 'SIGCONT')
  return calls
}

const withinResults: Moment = async (connected, end) => {
  const { remote, control } = connected
  const calls = [remote.bytes(LARGE.length), remote.bytes(LARGE.length)]
  const { bytesReceived } = control.counters
  while (control.counters.bytesReceived === bytesReceived) await setImmediate()
  endIt(connected, end)
  return calls
}

const withinStreamedResults: Moment = async (connected, end) => {
  const { remote } = connected
  const isOver = (async () => {
    let count = 0
    for await (const _ of remote.numbers(isByItself(end) ? end : undefined))
      if (++count === 2 && !isByItself(end)) endIt(connected, end)
  })()
  return [isOver, remote.never()]
}

const withinStreamedArguments: Moment = async (connected, end) => {
  let sent = 0
  let toldEnd!: () => void
  const ended = new Promise<void>(resolve => (toldEnd = resolve))
  async function* values(): AsyncGenerator<number> {
    try {
      for (;;) {
        await setImmediate()
        if (++sent === 5 && !isByItself(end)) endIt(connected, end)
        yield sent
      }
    } finally {
      toldEnd()
    }
  }
  const call = connected.remote.drain(values(), isByItself(end) ? end : undefined)
  return [call.finally(() => ended)]
}

describe('a process that', () => {
  const { fork, track } = useConnections()

  const connected = async (async: boolean, errors: Error[]): Promise<Connected> => {
    const remote = connect<typeof Deaths>(fork(), module, { async, onError: error => errors.push(error) })
    const control = rpcOf(remote)
    track(control)
    return { remote, control, pid: await remote.pid() }
  }

  for (const [when, moment, { synchronous, asynchronous }] of [
    ['while idle', idle, { synchronous: fromOutside, asynchronous: all }],
    ['within calls', withinCalls, { synchronous: [...fromOutside, 'exits'], asynchronous: all }],
    ['within an argument', withinArguments, { synchronous: fromOutside, asynchronous: all }],
    ['within a result', withinResults, { synchronous: fromOutside, asynchronous: fromOutside }],
    ['within a streamed result', withinStreamedResults, { synchronous: all, asynchronous: all }],
    [
      'within a streamed argument',
      withinStreamedArguments,
      { synchronous: [...fromOutside, 'exits'], asynchronous: all },
    ],
  ] as const) {
    for (const async of [false, true]) {
      for (const end of async ? asynchronous : synchronous) {
        it(`${end} ${when} rejects what is awaited, with how it ended (${async ? 'asynchronous' : 'synchronous'})`, async () => {
          const errors: Error[] = []
          const one = await connected(async, errors)
          const expected = { code: 'ERR_PROCESS_EXITED', ...ENDS[end] }
          const awaited = await moment(one, end)
          for (const outcome of awaited) await assert.rejects(outcome, expected)
          assert.deepEqual(await one.control.ended, { code: expected.exitCode, signal: expected.signal })
          await assert.rejects(one.remote.pid(), expected)
          assert.equal(errors.length, 1)
        })
      }
    }
  }
})

describe('the end of a process', () => {
  const { fork, track } = useConnections()

  for (const async of [false, true]) {
    it(`is told to who waits for a value of a stream, and no uncaught error (${async ? 'asynchronous' : 'synchronous'})`, async () => {
      const remote = connect<typeof Deaths>(fork(), module, { async })
      const { ended } = track(rpcOf(remote))
      await assert.rejects(
        async () => {
          for await (const _ of remote.numbers('exits'));
        },
        { code: 'ERR_PROCESS_EXITED', exitCode: 7 },
      )
      await ended
      await setImmediate() // it would be thrown before that
    })

    it(`is told to who goes on with a stream only later, and no uncaught error (${async ? 'asynchronous' : 'synchronous'})`, async () => {
      const remote = connect<typeof Deaths>(fork(), module, { async })
      const control = track(rpcOf(remote))
      const values = await remote.numbers()
      await values.next()
      process.kill(control.pid!, 'SIGKILL')
      await control.ended
      await setImmediate() // it would be thrown before that
      await assert.rejects(
        async () => {
          for await (const _ of values);
        },
        { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' },
      )
    })
  }
})
