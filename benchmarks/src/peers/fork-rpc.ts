import { ForkProcess, type RpcOptions, run } from '@anyfork/fork-rpc'
import type { Team, Wish } from './peer.js'

const worker = new URL('../workers/tasks.js', import.meta.url)

export function start({ task }: Wish, options: RpcOptions): Team {
  return { call: run(ForkProcess.create(), worker, task, options) }
}
