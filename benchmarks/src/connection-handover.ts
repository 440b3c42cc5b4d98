import { fork, spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { acceptAll, type Descriptor, socketpair, takeListener } from '@anyfork/fdpass'
import { FdPasser } from '@anyfork/fdpasser'
import { ForkProcess, fd, run } from '@anyfork/fork-rpc'
import type { Benchmark } from './harness/benchmark.js'
import { durations } from './harness/measure-calls.js'
import { median, quantile } from './statistics.js'
import type { Connections } from './workers/connecting-clients.js'

const worker = new URL('./workers/answer-connection.js', import.meta.url)
const clientsProgram = fileURLToPath(new URL('./workers/connecting-clients.js', import.meta.url))

/** Ways to let a worker answer the connections to a port. Each returns the port once the worker is ready. */
const servers: Record<string, () => Promise<number>> = {
  async 'fork-rpc'() {
    const answer = run(ForkProcess.create(), worker, 'answerDescriptor', { async: true })
    await answer.ready()
    return acceptWith(connection => {
      void answer(fd(connection))
      connection.close()
    })
  },
  async fdpasser() {
    const [ours, theirs] = socketpair()
    spawn(process.execPath, [fileURLToPath(new URL('./workers/answer-passed.js', import.meta.url))], {
      stdio: ['ignore', 'ignore', 'inherit', theirs.fd],
    })
    theirs.close()
    const passer = new FdPasser({ fd: ours })
    return acceptWith(connection => void passer.pushSend(connection))
  },
  async 'process.send'() {
    const child = fork(worker)
    const server = createServer({ pauseOnConnect: true }, socket => void child.send('connection', socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  },
  'cluster-round-robin': () => startCluster(cluster.SCHED_RR),
  'cluster-shared': () => startCluster(cluster.SCHED_NONE),
}

/** Listens, and hands each connection over. Returns the port. */
async function acceptWith(handOver: (connection: Descriptor) => void): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accept = async (): Promise<void> => {
    for await (const connection of acceptAll(takeListener(server))) handOver(connection)
  }
  void accept()
  return port
}

async function startCluster(schedulingPolicy: number): Promise<number> {
  cluster.schedulingPolicy = schedulingPolicy
  cluster.setupPrimary({ exec: fileURLToPath(worker), args: [] })
  const [address] = (await once(cluster.fork({ PORT: '0' }), 'listening')) as [AddressInfo]
  return address.port
}

export const benchmark: Benchmark = {
  title: 'How many accepted connections per second does a program hand over to a worker?',
  method:
    'Clients of another process connect for 0.4 seconds, 16 at a time. The program accepts each connection and hands it over to its only worker, which answers with its pid and closes it. Milliseconds: from the connection until its end. Each must be answered by the worker. A worker of node:cluster with SCHED_NONE accepts connections itself: nothing is handed over.',
  isHigherBetter: true,
  timeoutMs: 60_000,
  subjects: [
    { name: '@anyfork/fork-rpc, fd(connection), async', peer: 'fork-rpc' },
    { name: '@anyfork/fdpasser', peer: 'fdpasser' },
    { name: 'child_process.fork, process.send(message, socket)', peer: 'process.send' },
    { name: 'node:cluster, round robin', peer: 'cluster-round-robin' },
    { name: 'node:cluster, SCHED_NONE', peer: 'cluster-shared' },
  ],
  settings: isQuick => [{ clients: isQuick ? 2 : 16, cpus: 'free' }],
  async measure({ peer }, { clients }, isQuick) {
    const port = await servers[peer]!()
    const { warmUp, measured } = durations(isQuick)
    const program = fork(clientsProgram, [port, clients!, warmUp, measured].map(String))
    const [connections] = (await Promise.race([once(program, 'message'), once(program, 'exit')])) as [Connections]
    if (!connections?.pids) throw new Error('a client has failed')
    const { perSecond, milliseconds, pids } = connections
    if (pids.length !== 1 || pids[0] === process.pid) throw new Error(`${pids} have answered, not one worker`)
    return {
      perSecond,
      medianMilliseconds: median(milliseconds),
      p99Milliseconds: quantile(milliseconds, 0.99),
    }
  },
}
