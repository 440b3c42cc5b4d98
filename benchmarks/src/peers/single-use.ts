import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Request } from './numbered-calls.js'
import type { Client, PeerOptions } from './peer.js'

const worker = new URL('../workers/messages.js', import.meta.url)

/** Starts a process or a thread for each call, as a hand-written program would. */
export function start({ task }: PeerOptions, { kind }: { kind: 'process' | 'thread' }): Client {
  const answer = kind === 'process' ? answerOfProcess : answerOfThread
  return { call: async (...args) => (await answer([0, task, args]))[1] }
}

async function answerOfProcess(request: Request): Promise<[number, unknown]> {
  const child = fork(worker)
  child.send(request)
  const [answer] = (await once(child, 'message')) as [[number, unknown]]
  child.disconnect() // ends the process
  return answer
}

async function answerOfThread(request: Request): Promise<[number, unknown]> {
  const thread = new Worker(worker)
  thread.postMessage(request)
  const [answer] = (await once(thread, 'message')) as [[number, unknown]]
  void thread.terminate()
  return answer
}
