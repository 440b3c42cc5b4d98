import { socketpair } from '@anyfork/fdpass'
import { WARM_UP } from '../entry-files.js'
import { codecOf } from '../values/serialiser.js'
import { Kind } from '../wire/frame.js'
import { FrameWriter } from '../wire/frame-writer.js'
import { MAX_MESSAGE_BYTES } from '../wire/serve-settings.js'
import { SPIN_US } from '../wire/spin.js'
import { disconnect } from './service.js'
import { serveCalls } from './sync.js'

const CALLS = 10

/**
 * Serves a few calls in a template. V8 compiles a function when it is first called, and forks inherit the compiled
 * code: that takes a third off the time to their first response.
 */
export async function warmUp(): Promise<void> {
  const [caller, served] = socketpair({ type: 'seqpacket' }) // delivers one call at a time
  const writer = new FrameWriter()
  const codec = codecOf('cbor')
  for (let id = 0; id < CALLS; id++) {
    codec.encode([id, 'text', { list: [id] }, ...(id % 2 ? [new Date(0)] : [])], Kind.call) // a date takes other code
    writer.add(Kind.call, id, codec.bytes, codec.start, codec.end)
    writer.writeTo(caller)
  }
  writer.add(Kind.end, 0)
  writer.writeTo(caller)
  const here = {
    module: WARM_UP.href,
    folder: '/',
    serialiser: 'cbor',
    spin: SPIN_US,
    init: undefined,
    memory: undefined,
    hasSharedPage: false,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  }
  await serveCalls(served, { ...here, name: 'answer', done: { module: WARM_UP.href, name: 'end', exits: false } })
  disconnect()
  caller.close()
  served.close()
}

/** The function that is called. */
export function answer(id: number, _text: string, _object: object, date?: Date): unknown {
  if (id === 0) throw new RangeError('compiles the code that encodes errors')
  return { id, date }
}

/** Called at the end, instead of exiting. */
export function end(): void {}
