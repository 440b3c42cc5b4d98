import { readFileSync } from 'node:fs'
import { inspect, parseArgs } from 'node:util'
import { Sandbox } from './sandbox.js'

const USAGE = 'Usage: npm start -- <file>...\n\nRuns each file as a snippet, in a sandbox of its own.'

const files = fileArguments()
const snippets = files.map(read)
const sandbox = new Sandbox()
const outcomes = await Promise.allSettled(snippets.map(snippet => sandbox.run(snippet)))
for (const [index, outcome] of outcomes.entries()) {
  const isDone = outcome.status === 'fulfilled'
  const text = isDone ? inspect(outcome.value, { breakLength: Infinity, compact: true }) : describe(outcome.reason)
  console.log(`${files[index]}: ${isDone ? 'returned' : 'failed:'} ${printable(text)}`)
}
await sandbox.close()

function fileArguments(): string[] {
  try {
    const { values, positionals } = parseArgs({ options: { help: { type: 'boolean' } }, allowPositionals: true })
    if (values.help) {
      console.log(USAGE)
      process.exit()
    }
    return positionals.length ? positionals : exitWithError('no file')
  } catch (error) {
    return exitWithError((error as Error).message) // an unknown option
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return exitWithError(`cannot read ${file}: ${(error as Error).message}`)
  }
}

function exitWithError(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}

function describe(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException
  const label = typeof code === 'string' ? code : name // a snippet chooses what these are
  return message.startsWith(label) ? message : `${label}: ${message}`
}

/** A snippet chooses these characters: they must not control the terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 500)
}
