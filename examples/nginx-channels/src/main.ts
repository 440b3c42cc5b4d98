import { parseArgs } from 'node:util'
import { Master, type MasterOptions } from './master.js'

const master = new Master(parseOptions())
// The signals of nginx.
process.on('SIGUSR1', () => master.broadcast('reopen'))
process.on(
  'SIGQUIT',
  once(() => master.end('quit')),
)
const terminate = once(() => master.end('terminate')) // npm may forward a SIGINT that the terminal has sent as well
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, terminate)
await master.start()

function once(callback: () => Promise<void>): () => void {
  let result: Promise<void> | undefined
  return () => void (result ??= callback())
}

function parseOptions(): MasterOptions {
  try {
    const { values } = parseArgs({
      options: {
        workers: { type: 'string', default: '4' },
        greetings: { type: 'string', default: '1000' },
        grace: { type: 'string', default: '5000' },
        log: { type: 'string', default: 'nginx-channels.log' },
      },
    })
    const [workers, greetings, grace] = [values.workers, values.greetings, values.grace].map(value => {
      if (!/^[1-9]\d{0,8}$/.test(value)) throw new Error('workers, greetings, and grace must be numbers above 0')
      return Number(value)
    }) as [number, number, number]
    return { workers, greetings, grace, log: values.log }
  } catch (error) {
    console.error(
      `${(error as Error).message}\n\nUsage: npm start -- [--workers N] [--greetings N] [--log FILE] [--grace MS]`,
    )
    process.exit(2)
  }
}
