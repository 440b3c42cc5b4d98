import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { TAKE_ORDERS } from '../entry-files.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { acceptedReports, Command } from '../protocol/frame.js'
import { encode } from '../protocol/payload.js'
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

/** Objects of the last round: V8 forgets how objects of a kind are laid out when there is none any more. */
const kept: { socket?: unknown } = {}

/** The function that runs in a rehearsal. */
let onRun: (socket: Descriptor) => void = () => {}

export function runRehearsed(socket: Descriptor): void {
  onRun(socket)
}

/**
 * Runs the code with which every child begins, in the template, as if a child was forked there: V8 compiles a function
 * at its first calls, and children inherit what it has compiled.
 *
 * @param lifeline - borrowed
 */
export async function rehearse(lifeline: Descriptor): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await rehearseOnce(lifeline)
}

async function rehearseOnce(lifeline: Descriptor): Promise<void> {
  const [ours, theirs] = socketpair()
  const [inner, outer] = socketpair()
  const server = new OrderServer(theirs, { shared: lifeline, own: undefined }, 'fork', 'fork', undefined, noEffects)
  const owner = new ControlChannel(ours, { onFrame: () => {}, onEnd: () => {} }, { accepted: acceptedReports })
  const run = encode({ module: TAKE_ORDERS, name: 'runRehearsed', folder: '' })
  owner.send(Command.run, 1, run, [inner])
  inner.close()
  await new Promise<void>(resolve => {
    let open = 2
    const onClose = (): void => {
      if (--open === 0) resolve()
    }
    onRun = socket => {
      const stream = socket.toSocket().on('close', onClose).resume()
      stream.write('x', () => stream.end())
      kept.socket = stream
    }
    server.onChild(true, undefined)
    outer.toSocket().resume().on('close', onClose).end()
  })
  server.close()
  owner.close()
}
