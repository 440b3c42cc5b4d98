import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Descriptor, read, watch } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'

/** A worker whose first byte has arrived. */
export interface StartedWorker {
  /** Makes the worker end. Does not wait for it. */
  stop(): void
}

const worker = new URL('../workers/hello.js', import.meta.url)

async function readyTemplate(): Promise<ForkProcess> {
  const template = ForkProcess.exec().require(worker)
  await template.ready()
  return template
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
export const starters: Record<string, () => Promise<() => Promise<StartedWorker>>> = {
  async fork() {
    const template = await readyTemplate()
    const byte = Buffer.alloc(1)
    return async () => {
      const socket = await template.fork().run(worker, 'hello')
      await isReadable(socket)
      read(socket, byte)
      return { stop: () => socket.close() }
    }
  },
  async 'fork-stream'() {
    const template = await readyTemplate()
    return async () => {
      const socket = (await template.fork().run(worker, 'helloStream')).toSocket()
      await once(socket, 'data')
      return { stop: () => socket.destroy() }
    }
  },
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
