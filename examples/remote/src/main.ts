import { parseArgs } from 'node:util'
import type { countPrimes } from './count-primes.js'
import { Hosts } from './hosts.js'
import { sentModule } from './sent-module.js'

const PIECE = 20_000
const options = parseOptions()

const hosts = new Hosts<typeof countPrimes>({
  commands: options.on.map(command => command.split(/\s+/)),
  module: sentModule(new URL('./count-primes.js', import.meta.url)),
  name: 'countPrimes',
  workers: options.workers,
  onLost: (name, error) => console.error(`${name} is left out: ${error.message}`),
})

try {
  console.log(`${await countBelow(options.below)} primes below ${options.below}`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  await hosts.close()
}

/** Divides the numbers into pieces, and has as many of them counted at once as the hosts have processes. */
async function countBelow(below: number): Promise<number> {
  let next = 0
  let total = 0
  const countPieces = async (): Promise<void> => {
    while (next < below) {
      const from = next
      next += PIECE
      const count = await hosts.call(from, Math.min(next, below))
      total += count
    }
  }
  await Promise.all(Array.from({ length: hosts.capacity }, countPieces))
  return total
}

function parseOptions(): { on: string[]; workers: number; below: number } {
  try {
    const { on, workers, below } = parseArgs({
      options: {
        on: { type: 'string', multiple: true, default: ['node'] },
        workers: { type: 'string', default: '2' },
        below: { type: 'string', default: '1000000' },
      },
    }).values
    const numbers = { workers: Number(workers), below: Number(below) }
    if (!(numbers.workers >= 1 && numbers.below >= 1)) throw new TypeError('the numbers must be at least 1')
    return { on, ...numbers }
  } catch (error) {
    console.error(
      `${(error as Error).message}\n\nUsage: npm start -- [--on 'ssh host node']... [--workers 2] [--below 1000000]`,
    )
    process.exit(2)
  }
}
