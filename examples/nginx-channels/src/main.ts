import { parseArgs } from 'node:util'
import { Master, type MasterOptions } from './master.js'

/** npm may forward a signal that the terminal has sent as well, within so many milliseconds. */
const REPEATED_MS = 500

const master = new Master(parseOptions())
// The signals of nginx.
process.on('SIGUSR1', () => master.broadcast('reopen'))
endAt(['SIGQUIT'], 'quit')
endAt(['SIGTERM', 'SIGINT'], 'terminate')
await master.start()

/** Ends the workers at the first of these signals. From the next press of Ctrl-C on, a signal ends this process. */
function endAt(signals: NodeJS.Signals[], command: 'quit' | 'terminate'): void {
  let isEnding = false
  const end = (): void => {
    if (isEnding) return
    isEnding = true
    void master.end(command)
    setTimeout(() => {
      for (const signal of signals) process.off(signal, end)
    }, REPEATED_MS).unref()
  }
  for (const signal of signals) process.on(signal, end)
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
