import { Streams } from '../streams/streams.js'
import type { Codec } from '../values/codec.js'
import { Messages } from '../values/messages.js'
import { acceptedFromProcess } from '../wire/frame.js'
import { OpenDescriptors } from '../wire/open-descriptors.js'
import type { Spin } from '../wire/spin.js'
import { Transport, type TransportListener } from '../wire/transport.js'
import { PendingCalls } from './pending-calls.js'

/** What a connection has done so far. */
export interface Counters {
  /** Calls sent to the process; not those that were rejected at once. */
  calls: number
  /** Pending calls: those sent and not yet answered. */
  pending: number
  /** Results received, including those of aborted calls. */
  results: number
  /** Calls that the process answered with an error. */
  errors: number
  /** Calls aborted by a signal or a timeout. */
  aborted: number
  /** Events received. */
  events: number
  /** Bytes written to the socket. */
  bytesSent: number
  /** Bytes read from the socket. */
  bytesReceived: number
}

type Counts = Pick<Counters, 'calls' | 'results' | 'errors' | 'aborted' | 'events'>

/** What requests and responses share. */
export interface Channel {
  readonly transport: Transport
  readonly messages: Messages
  readonly streams: Streams
  readonly calls: PendingCalls
  readonly counts: Counts
}

/** How much a process may send. */
export interface ChannelLimits {
  /** The largest message in either direction, in bytes. */
  maxMessageBytes: number
  /** Returns how many descriptors from the process may be open at once. */
  maxDescriptors: () => number
}

/**
 * Makes a channel that is not yet open.
 *
 * @param spin - decides how long to poll for the rest of a large payload
 * @param onStreams - called when a consumer begins or ceases to wait for a value of a stream
 */
export function makeChannel(
  codec: Codec,
  listener: TransportListener,
  spin: Spin,
  { maxMessageBytes, maxDescriptors }: ChannelLimits,
  onStreams: () => void,
): Channel {
  const open = new OpenDescriptors(maxDescriptors)
  const transport = new Transport(listener, spin, { accepted: acceptedFromProcess, maxMessageBytes, open })
  const { writer } = transport
  const streams: Streams = new Streams(
    {
      writer,
      add: (kind, id, values) => messages.add(kind, id, values, 0, 0, []),
      read: (reader, received) => messages.read(reader, 1, received),
      discard: attachments => messages.discard(attachments),
      onQueued: () => transport.flushSoon(),
    },
    false,
    onStreams,
    maxMessageBytes,
  )
  const messages: Messages = new Messages(codec, writer, streams, maxMessageBytes)
  return {
    transport,
    messages,
    streams,
    calls: new PendingCalls(),
    counts: { calls: 0, results: 0, errors: 0, aborted: 0, events: 0 },
  }
}
