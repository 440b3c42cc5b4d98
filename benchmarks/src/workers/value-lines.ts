import { once } from 'node:events'
import { values } from './values.js'

// Writes each value to standard output as a line of JSON, and waits when the stream asks for it.
process.on('message', async ([count, characters]: [count: number, characters: number]) => {
  for (const value of values(count, characters)) {
    if (!process.stdout.write(`${JSON.stringify(value)}\n`)) await once(process.stdout, 'drain')
  }
})
