import { Streams } from '../streams/streams.js'
import type { Codec } from '../values/codec.js'
import { Messages } from '../values/messages.js'
import type { Spin } from '../wire/spin.js'
import { Transport, type TransportListener } from '../wire/transport.js'
import { PendingCalls } from './pending-calls.js'

/** What a connection has done so far. */
export interface Counters {
  /** Calls that were made, those that failed at once not counted. */
  calls: number
  /** Calls that have not been answered. */
  outstanding: number
  results: number
  /** Calls that rejected with what was thrown. */
  errors: number
  /** Calls that were given up, because of a signal or a timeout. */
  givenUp: number
  events: number
  bytesSent: number
  bytesReceived: number
}

type Counts = Pick<Counters, 'calls' | 'results' | 'errors' | 'givenUp' | 'events'>

/** What the caller's calls and the answers to them share. */
export interface Channel {
  readonly transport: Transport
  readonly messages: Messages
  readonly streams: Streams
  readonly calls: PendingCalls
  readonly counts: Counts
}

/**
 * @param spin - how long to look for the rest of a large payload
 * @param onStreams - called when streams may have begun or ended to be awaited
 */
export function makeChannel(codec: Codec, listener: TransportListener, spin: Spin, onStreams: () => void): Channel {
  const transport = new Transport(listener, spin)
  const { writer } = transport
  const streams = new Streams(
    {
      writer,
      add: (kind, id, values) => messages.add(kind, id, values, 0, 0, []),
      read: reader => messages.read(reader),
      discard: attachments => messages.discard(attachments),
      onQueued: () => transport.flushSoon(),
    },
    false,
    onStreams,
  )
  const messages = new Messages(codec, writer, streams)
  return {
    transport,
    messages,
    streams,
    calls: new PendingCalls(),
    counts: { calls: 0, results: 0, errors: 0, givenUp: 0, events: 0 },
  }
}
