import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { recv, send } from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { useSocketPair } from './support/socket-pair.js'

describe('worker threads', () => {
  const sockets = useSocketPair()

  it('pass descriptors at the same time, and can end while they watch a socket', async () => {
    const { left, right } = sockets
    const program = `
      import('@anyfork/fdpass').then(({ recv, send, socketpair, watch }) => {
        const [left, right] = socketpair()
        for (let i = 0; i < 2000; i++) { send(left, 0); recv(right).close() }
        watch(right, { readable: true }, () => {})
        require('node:worker_threads').parentPort.postMessage([left.fd, right.fd])
      })`
    const threads = Array.from({ length: 4 }, () => new Worker(program, { eval: true }))
    const messages = threads.map(thread => once(thread, 'message') as Promise<[number[]]>)
    for (let i = 0; i < 2000; i++) {
      send(left, 0)
      recv(right)!.close()
    }
    const open = (await Promise.all(messages)).flatMap(([fds]) => fds)
    await Promise.all(threads.map(thread => thread.terminate()))
    for (const fd of open) closeSync(fd) // the descriptors of a thread outlive it
  })
})
