import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Sandbox } from './sandbox.js'

const files = process.argv.slice(2)
if (!files.length) {
  console.error('Usage: npm start -- <file>...\n\nRuns each file as a snippet, in a sandbox of its own.')
  process.exit(2)
}

const sandbox = new Sandbox()
const outcomes = await Promise.allSettled(files.map(file => sandbox.run(readFileSync(file, 'utf8'))))
for (const [index, outcome] of outcomes.entries()) {
  const isDone = outcome.status === 'fulfilled'
  const text = isDone ? inspect(outcome.value) : describe(outcome.reason)
  console.log(`${files[index]}: ${isDone ? 'returned' : 'failed:'} ${printable(text)}`)
}
await sandbox.close()

function describe(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException
  const label = typeof code === 'string' ? code : name // a snippet chooses what these are
  return message.startsWith(label) ? message : `${label}: ${message}`
}

/** A snippet chooses these characters: they must not control the terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 500)
}
