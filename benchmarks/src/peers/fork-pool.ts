import { setTimeout } from 'node:timers/promises'
import { ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/tasks.js', import.meta.url)

export function start({ task, workers, fromZero = false }: PeerOptions, options: PoolOptions): Client {
  const template = ForkProcess.exec()
  const call = pool(template, worker, task, { max: workers, idle: fromZero ? 0 : workers, ...options })
  return {
    call,
    async ready() {
      await template.ready()
      if (options.spare) await setTimeout(100) // the pool starts its spare worker only when the program is idle
    },
  }
}
