import { setWorkerModule } from '../harness/heavy-module.js'
import { startPeer } from '../peers/peer.js'

/** A program that starts a pool for one call, and prints the result. */
const [subject, module] = JSON.parse(process.argv[2]!)
setWorkerModule(module)
const client = await startPeer(subject, { task: 'add', workers: 1, fromZero: true })
process.stdout.write(`${await client.call(1, 2)}\n`)
