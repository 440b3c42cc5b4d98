import { fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { createBirpc } from 'birpc'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/birpc-worker.js', import.meta.url)

export function start({ task }: PeerOptions, { channel }: { channel: 'thread' | 'process' }): Client {
  const rpc = createBirpc<Record<string, (...args: unknown[]) => unknown>>(
    {},
    channel === 'thread' ? overThread() : overProcess(),
  )
  return { call: rpc[task]! }
}

interface Channel {
  post(message: unknown): void
  on(listener: (message: unknown) => void): void
}

function overThread(): Channel {
  const thread = new Worker(worker)
  return { post: message => thread.postMessage(message), on: listener => void thread.on('message', listener) }
}

function overProcess(): Channel {
  const child = fork(worker, { serialization: 'advanced' })
  return { post: message => void child.send(message as object), on: listener => void child.on('message', listener) }
}
