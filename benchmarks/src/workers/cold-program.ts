import { chooseModule } from '../harness/heavy-module.js'
import { startPeer } from '../peers/peer.js'

/** A program that uses a pool for one call, then says so. */
const [contestant, module] = JSON.parse(process.argv[2]!)
chooseModule(module)
const team = await startPeer(contestant, { task: 'add', workers: 1, fromZero: true })
process.stdout.write(`${await team.call(1, 2)}\n`)
