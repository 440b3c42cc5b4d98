import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Descriptor, read, watch } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { preload, run } from '@anyfork/fork-rpc'
import type { Start, StartedWorker } from '../harness/measure-starts.js'

/** The module of all workers. */
export const worker: URL = new URL('../workers/hello.js', import.meta.url)

async function readyTemplate(): Promise<ForkProcess> {
  const template = ForkProcess.exec().require(worker)
  await template.ready()
  return template
}

/** Returns a function that forks a worker from a template. The worker blocks in read(2) after its first byte. */
export function startsOf(template: ForkProcess): Start {
  return () => firstByte(template.fork())
}

/** Runs the function of a worker in a process, and waits for its first byte. */
async function firstByte(child: ForkProcess): Promise<StartedWorker> {
  const socket = await child.run(worker, 'hello')
  await isReadable(socket)
  read(socket, Buffer.alloc(1))
  return { stop: () => socket.close() }
}

/** Prepares a template of workers that serve calls. Each has answered one. */
async function rpcStarter(async: boolean): Promise<Start> {
  const template = preload(ForkProcess.exec().require(worker))
  await template.ready()
  return async () => {
    const add = run(template.fork(), new URL('../workers/tasks.js', import.meta.url), 'add', { async })
    assert.equal(await add(1, 2), 3)
    return { stop: () => void add.destroy() }
  }
}

function isReadable(socket: Descriptor): Promise<void> {
  return new Promise(resolve => {
    const waiting = watch(socket, { readable: true }, () => {
      waiting.close()
      resolve()
    })
  })
}

/**
 * Ways to start a worker. Each prepares what it needs, such as a template, and then returns a function that starts one
 * worker per call.
 */
export const starters: Record<string, () => Promise<Start>> = {
  async fork() {
    return startsOf(await readyTemplate())
  },
  async exec() {
    return () => firstByte(ForkProcess.exec())
  },
  async 'fork-stream'() {
    const template = await readyTemplate()
    return async () => {
      const socket = (await template.fork().run(worker, 'helloStream')).toSocket()
      await once(socket, 'data')
      return { stop: () => socket.destroy() }
    }
  },
  'rpc-sync': () => rpcStarter(false),
  'rpc-async': () => rpcStarter(true),
  async 'child-process'() {
    return async () => {
      const child = fork(worker)
      await once(child, 'message')
      return { stop: () => child.disconnect() }
    }
  },
  async 'worker-threads'() {
    return async () => {
      const thread = new Worker(worker)
      await once(thread, 'message')
      return { stop: () => void thread.terminate() }
    }
  },
}
