import { Worker } from 'node:worker_threads'
import { wrap } from 'comlink/dist/esm/comlink.mjs'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/comlink-worker.js', import.meta.url)

/** Uses a thread: comlink has no adapter for the channel of a process. */
export function start({ task }: PeerOptions): Client {
  const remote = wrap<Record<string, (...args: unknown[]) => Promise<unknown>>>(nodeEndpoint(new Worker(worker)))
  return { call: (...args) => remote[task]!(...args) }
}
