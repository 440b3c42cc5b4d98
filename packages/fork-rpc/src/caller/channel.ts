import { Streams } from '../streams/streams.js'
import type { Codec } from '../values/codec.js'
import { Messages } from '../values/messages.js'
import type { Spin } from '../wire/spin.js'
import { Transport, type TransportListener } from '../wire/transport.js'
import type { Counters } from './counters.js'
import { Outstanding } from './pending-calls.js'

type Counts = Pick<Counters, 'calls' | 'results' | 'errors' | 'givenUp' | 'events'>

/** What the caller's calls and the answers to them share. */
export interface Line {
  readonly transport: Transport
  readonly messages: Messages
  readonly streams: Streams
  readonly calls: Outstanding
  readonly counts: Counts
}

/**
 * @param spin - how long to look for the rest of a large payload
 * @param onStreams - called when streams may have begun or ended to be awaited
 */
export function makeLine(codec: Codec, listener: TransportListener, spin: Spin, onStreams: () => void): Line {
  const transport = new Transport(listener, spin)
  const { queue } = transport
  const messages: Messages = new Messages(codec, queue, () => streams)
  const streams: Streams = new Streams(
    {
      queue,
      add: (kind, id, values) => messages.add(kind, id, values, 0, 0, []),
      read: reader => messages.read(reader),
      discard: enclosed => messages.discard(enclosed),
      onQueued: () => transport.flushSoon(),
    },
    false,
    onStreams,
  )
  return {
    transport,
    messages,
    streams,
    calls: new Outstanding(),
    counts: { calls: 0, results: 0, errors: 0, givenUp: 0, events: 0 },
  }
}
