import assert from 'node:assert/strict'
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

  it('terminated while they keep descriptors close these, but none that was closed, released, or forgotten', async () => {
    const program = `
      const { dup, pipe, socketpair } = require('@anyfork/fdpass')
      const { forgetDescriptor, keepDescriptor, keepOpened } = require('@anyfork/fdpass/internal')
      const { parentPort } = require('node:worker_threads')
      const [closed, released] = keepOpened(() => pipe())
      const forgotten = keepOpened(() => dup(0))
      const kept = keepOpened(() => [...socketpair(), ...pipe(), dup(0)])
      const added = dup(0)
      closed.close()
      const reused = dup(0)
      forgetDescriptor(forgotten.fd)
      keepDescriptor(added.fd)
      parentPort.postMessage({ open: [reused.fd, released.release(), forgotten.fd], closed: [...kept, added].map(({ fd }) => fd) })
      for (;;);`
    const thread = new Worker(program, { eval: true })
    const [{ open, closed }] = (await once(thread, 'message')) as [{ open: number[]; closed: number[] }]
    await thread.terminate()
    for (const fd of closed) assert.throws(() => closeSync(fd), { code: 'EBADF' })
    for (const fd of open) closeSync(fd)
  })
})
