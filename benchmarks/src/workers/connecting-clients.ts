import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { deadlineAfter, repeatConcurrently } from '../harness/repeat.js'

/** What a period of connections has brought. */
export interface Connections {
  perSecond: number
  /** From the connection until its end, after the answer. */
  milliseconds: number[]
  /** The pids of the processes that have answered. */
  pids: number[]
}

// Connects to a port, a number of clients at a time, for a period that warms up and for one that is measured. Each client
// reads its answer until the end of the connection. Sends the `Connections` of the second period to its parent.
const [port, clients, warmUp, measured] = process.argv.slice(2).map(Number) as [number, number, number, number]

async function connectFor(period: number): Promise<Connections> {
  const milliseconds: number[] = []
  const pids = new Set<number>()
  const startedAt = performance.now()
  await repeatConcurrently(clients, deadlineAfter(period), async () => {
    const connectedAt = performance.now()
    const answer = await text(connect(port, '127.0.0.1'))
    if (!/^\d+\n$/.test(answer)) throw new Error(`a connection was answered with ${JSON.stringify(answer)}`)
    milliseconds.push(performance.now() - connectedAt)
    pids.add(Number(answer))
  })
  return { perSecond: (1000 * milliseconds.length) / (performance.now() - startedAt), milliseconds, pids: [...pids] }
}

await connectFor(warmUp)
process.send!(await connectFor(measured))
process.disconnect()
