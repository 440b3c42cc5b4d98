import { ForkProcess, type RpcOptions, run } from '@anyfork/fork-rpc'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/tasks.js', import.meta.url)

export function start({ task }: PeerOptions, options: RpcOptions): Client {
  return { call: run(ForkProcess.create(), worker, task, options) }
}
