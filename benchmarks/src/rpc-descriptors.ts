import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { ForkProcess, fd, run } from '@anyfork/fork-rpc'
import type { Benchmark } from './harness/benchmark.js'
import { assertAnswer, callsPerSecond, durations } from './harness/measure-calls.js'

const worker = new URL('./workers/descriptor-calls.js', import.meta.url)

/** Ways to pass a server to a worker, which returns its inode. */
const callers: Record<string, (server: Server, variant: Record<string, unknown>) => () => Promise<unknown>> = {
  'fork-rpc'(server, { async = false }) {
    const call = run(ForkProcess.create(), worker, 'inodeOf', { async: Boolean(async) })
    return () => call(fd(server))
  },
  'child-process'(server) {
    const child = fork(worker)
    const calls = new Map<number, (inode: number) => void>()
    let lastId = 0
    child.on('message', message => {
      const [id, inode] = message as [number, number]
      calls.get(id)!(inode)
      calls.delete(id)
    })
    return () =>
      new Promise(resolve => {
        calls.set(++lastId, resolve)
        child.send(lastId, server)
      })
  },
}

export const benchmark: Benchmark = {
  title: 'How many calls per second pass a descriptor to a worker?',
  method:
    'Keeps a number of calls pending for 0.4 seconds. Each passes a listening socket, of which the program keeps its own descriptor. The worker returns the inode of the socket, which must be that of the program’s, and closes what it has got. Threads are left out: they share the descriptors of their process.',
  isHigherBetter: true,
  subjects: [
    { name: '@anyfork/fork-rpc, fd()', peer: 'fork-rpc' },
    { name: '@anyfork/fork-rpc, fd(), async', peer: 'fork-rpc', variant: { async: true } },
    { name: 'child_process.fork, process.send(message, server)', peer: 'child-process' },
  ],
  settings: isQuick => (isQuick ? [10] : [1, 100]).map(pendingCalls => ({ pendingCalls, cpus: 'free' })),
  async measure({ peer, variant = {} }, { pendingCalls }, isQuick) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { ino } = fstatSync((server as unknown as { _handle: { fd: number } })._handle.fd)
    const call = callers[peer]!(server, variant)
    await assertAnswer(call, ino)
    return { perSecond: await callsPerSecond(call, Number(pendingCalls), durations(isQuick), ino, 1) }
  },
}
