import { fork, type SerializationType } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ReadableStream } from 'node:stream/web'
import { Worker } from 'node:worker_threads'
import { ForkProcess, run } from '@anyfork/fork-rpc'
import { createBirpc } from 'birpc'
import { proxy, wrap } from 'comlink/dist/esm/comlink.mjs'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import type { Subject } from '../harness/benchmark.js'
import type { Value } from '../workers/values.js'

/** Called with each value, in order. */
type OnValue = (...value: Value) => void

/** Lets a worker send so many values, as fast as it can. Resolves at the latest when all have arrived. */
type Receive = (count: number, characters: number, onValue: OnValue) => Promise<unknown>

const moduleOf = (name: string): URL => new URL(`../workers/${name}.js`, import.meta.url)

const sources: Record<string, (variant: Record<string, unknown>) => Receive> = {
  events({ async = false }) {
    const send = run(ForkProcess.create(), moduleOf('value-events'), 'sendEvents', { async: Boolean(async) })
    return (count, characters, onValue) =>
      send.with({ onEvent: (...value) => onValue(...(value as Value)) })(count, characters)
  },
  stream({ async = false }) {
    const values = run(ForkProcess.create(), moduleOf('value-events'), 'values', { async: Boolean(async) })
    return async (count, characters, onValue) => {
      for await (const value of values(count, characters)) onValue(...(value as Value))
    }
  },
  'child-process'({ serialization }) {
    const child = fork(moduleOf('value-messages'), { serialization: serialization as SerializationType })
    return async (count, characters, onValue) => {
      child.removeAllListeners('message').on('message', value => onValue(...(value as Value)))
      child.send([count, characters])
    }
  },
  lines() {
    const child = fork(moduleOf('value-lines'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    const lines = createInterface(child.stdout!)
    return async (count, characters, onValue) => {
      lines.removeAllListeners('line').on('line', line => onValue(...(JSON.parse(line) as Value)))
      child.send([count, characters])
    }
  },
  'worker-threads'() {
    const thread = new Worker(moduleOf('value-messages'))
    return async (count, characters, onValue) => {
      thread.removeAllListeners('message').on('message', value => onValue(...(value as Value)))
      thread.postMessage([count, characters])
    }
  },
  'transferred-stream'() {
    const thread = new Worker(moduleOf('value-messages'), { argv: ['stream'] })
    return async (count, characters, onValue) => {
      const message = once(thread, 'message')
      thread.postMessage([count, characters])
      const [stream] = (await message) as [ReadableStream<Value>]
      for await (const value of stream) onValue(...value)
    }
  },
  birpc({ channel }) {
    let listener: OnValue
    const functions = { onValue: (...value: Value) => listener(...value) }
    const rpc = createBirpc<{ sendValues(count: number, characters: number): void }>(
      functions,
      channel === 'thread' ? overThread() : overProcess(),
    )
    return (count, characters, onValue) => {
      listener = onValue
      return rpc.sendValues(count, characters)
    }
  },
  comlink() {
    const thread = new Worker(moduleOf('value-callbacks'), { argv: ['comlink'] })
    const remote = wrap<{ sendValues(count: number, characters: number, onValue: OnValue): Promise<void> }>(
      nodeEndpoint(thread),
    )
    return (count, characters, onValue) => remote.sendValues(count, characters, proxy(onValue))
  },
}

function overThread() {
  const thread = new Worker(moduleOf('value-callbacks'))
  return {
    post: (message: unknown) => thread.postMessage(message),
    on: (listener: (message: unknown) => void) => thread.on('message', listener),
  }
}

function overProcess() {
  const child = fork(moduleOf('value-callbacks'), { serialization: 'advanced' })
  return {
    post: (message: unknown) => child.send(message as object),
    on: (listener: (message: unknown) => void) => child.on('message', listener),
  }
}

/** All ways in which a worker can send many values to its program. */
export const valueSubjects: readonly Subject[] = [
  { name: '@anyfork/fork-rpc, event()', peer: 'events' },
  { name: '@anyfork/fork-rpc, event(), async', peer: 'events', variant: { async: true } },
  { name: '@anyfork/fork-rpc, stream', peer: 'stream' },
  { name: '@anyfork/fork-rpc, stream, async', peer: 'stream', variant: { async: true } },
  { name: 'child_process.fork, json', peer: 'child-process', variant: { serialization: 'json' } },
  { name: 'child_process.fork, advanced', peer: 'child-process', variant: { serialization: 'advanced' } },
  { name: 'child_process.fork, lines of JSON on stdout', peer: 'lines' },
  { name: 'worker_threads postMessage', peer: 'worker-threads' },
  { name: 'worker_threads, transferred ReadableStream', peer: 'transferred-stream' },
  { name: 'birpc over worker_threads, asEvent', peer: 'birpc', variant: { channel: 'thread' } },
  { name: 'birpc over child_process.fork, advanced, asEvent', peer: 'birpc', variant: { channel: 'process' } },
  { name: 'comlink over worker_threads, callback', peer: 'comlink' },
]

/** Lets a worker send values, and resolves when all have arrived. Rejects if one is missing, repeated, or changed. */
export type ReceiveAll = (count: number, characters: number, onValue?: (index: number) => void) => Promise<void>

/** Starts a worker that sends values. */
export function openValueSource({ peer, variant = {} }: Subject): ReceiveAll {
  const receive = sources[peer]!(variant)
  return (count, characters, onValue = () => {}) =>
    new Promise((resolve, reject) => {
      let expected = 0
      receive(count, characters, (index, text) => {
        if (index !== expected++ || text.length !== characters)
          reject(new Error(`value ${expected - 1} has arrived as value ${index} with ${text.length} characters`))
        onValue(index)
        if (expected === count) resolve()
      }).catch(reject)
    })
}
