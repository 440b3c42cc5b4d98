import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, readdirSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type Descriptor, recv, send, setNonblocking, socketpair } from '@anyfork/fdpass'
import { afterEach, beforeEach, describe, it } from 'mocha'

describe('worker threads', () => {
  let left: Descriptor
  let right: Descriptor
  let before: number

  beforeEach(() => {
    before = readdirSync('/proc/self/fd').length
    ;[left, right] = socketpair()
    setNonblocking(left, true)
    setNonblocking(right, true)
  })
  afterEach(async () => {
    left[Symbol.dispose]()
    right[Symbol.dispose]()
    // What Node closes in its own time, of a child process say, may be late.
    while (readdirSync('/proc/self/fd').length > before) await new Promise(setImmediate)
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  it('works in several threads at once, and lets them end while they watch', async () => {
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
    for (const fd of open) closeSync(fd) // a thread's descriptors are the process's
  })
})
