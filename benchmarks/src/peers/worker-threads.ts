import { Worker } from 'node:worker_threads'
import { numberedCalls } from './numbered-calls.js'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/messages.js', import.meta.url)

/** @param variant - `transfer`: moves the memory of a buffer in both directions instead of copying it */
export function start({ task }: PeerOptions, { transfer = false }: { transfer?: boolean }): Client {
  const thread = new Worker(worker, { argv: transfer ? ['transfer'] : [] })
  const transferred = (args: unknown[]): ArrayBuffer[] =>
    transfer ? [(args[0] as Uint8Array<ArrayBuffer>).buffer] : []
  return numberedCalls(
    task,
    request => thread.postMessage(request, transferred(request[2])),
    onMessage => thread.on('message', onMessage),
  )
}
