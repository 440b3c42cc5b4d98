import { executionAsyncResource } from 'node:async_hooks'
import { writeSync } from 'node:fs'
import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { TAKE_ORDERS } from '../entry-files.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { acceptedReports, Command } from '../protocol/frame.js'
import { encodeRun } from '../protocol/run-order.js'
import { OrderServer } from './order-server.js'
import type { ProcessEffects } from './process-effects.js'

/** V8 compiles a function that was called about this often by its first compiler, which children then need not do. */
const ROUNDS = 10

const noEffects: ProcessEffects = {
  beTemplate: () => {},
  listen: () => {},
  becomeChild: () => {},
  callHooks: async () => {},
  beginFunction: () => {},
  exit: () => {},
}

/**
 * Keeps one object of some kinds that Node makes: V8 forgets the layout of a kind of object when the last one is
 * collected. It then optimizes `process.nextTick()` no more, which stays three times as slow for the life of a child.
 */
const kept: { socket?: unknown; tick?: unknown } = {}

/** The function that runs in a rehearsal. */
let onRun: (socket: Descriptor) => void = () => {}

export function runRehearsed(socket: Descriptor): void {
  onRun(socket)
}

/**
 * Runs the code with which every child begins, in the template, as if a child was forked there: V8 compiles a function
 * at its first calls, and children inherit what it has compiled. If that fails, children only start more slowly.
 *
 * @param lifeline - borrowed
 */
export async function rehearse(lifeline: Descriptor): Promise<void> {
  process.nextTick(() => {
    kept.tick = executionAsyncResource()
  })
  try {
    for (let round = 0; round < ROUNDS; round++) await rehearseOnce(lifeline)
  } catch {
    // such as EMFILE
  }
}

async function rehearseOnce(lifeline: Descriptor): Promise<void> {
  const open: { [Symbol.dispose](): void }[] = []
  const pair = (): [Descriptor, Descriptor] => {
    const both = socketpair()
    open.push(...both)
    return both
  }
  try {
    const [ours, theirs] = pair()
    const [inner, outer] = pair()
    const owner = new ControlChannel(ours, { onFrame: () => {}, onEnd: () => {} }, { accepted: acceptedReports })
    open.push({ [Symbol.dispose]: () => owner.close() })
    const run = encodeRun({ module: TAKE_ORDERS, name: 'runRehearsed', folder: '' })
    owner.send(Command.run, 1, run, [inner])
    inner.close()
    await new Promise<void>((resolve, reject) => {
      let streams = 2
      const onClose = (): void => {
        if (--streams === 0) resolve()
      }
      onRun = socket => {
        writeSync(socket.fd, 'x') // many functions write like this, or to a stream
        void process.exitCode // is read when a process ends
        const stream = socket.toSocket().on('close', onClose).resume()
        stream.write('x', () => stream.end())
        kept.socket = stream
      }
      const effects = { ...noEffects, exit: () => reject(new Error('the function has not run')) }
      const server = new OrderServer(theirs, { shared: lifeline, own: undefined }, 'fork', 'fork', undefined, effects)
      open.push({ [Symbol.dispose]: () => server.close() })
      server.onChild(true, undefined)
      outer.toSocket().resume().on('close', onClose).end()
    })
  } finally {
    for (const one of open.reverse()) one[Symbol.dispose]()
  }
}
