import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'mocha'

const talker = fileURLToPath(new URL('./fixtures/stdout-writer.js', import.meta.url))
const line = `${'x'.repeat(199)}\n`

/** What comes of calls for so many lines, where nobody reads at once, and whether the program ends well. */
async function outputOf(backend: string, name: string, ...calls: number[]): Promise<[string, number | null]> {
  const program = spawn(process.execPath, [talker, backend, name, ...calls.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 15_000,
  })
  await setTimeout(300)
  const output = await text(program.stdout)
  if (program.exitCode === null && program.signalCode === null)
    await new Promise(resolve => program.once('exit', resolve))
  return [output, program.exitCode]
}

describe('what a process writes to standard output', () => {
  for (const backend of ['sync', 'async']) {
    it(`is all there where nobody reads it at once, more than a pipe takes, ${backend}`, async () => {
      assert.deepEqual(await outputOf(backend, 'say', 1000, 1000, 1000, 1000), [line.repeat(4000), 0])
    })

    it(`is all there where the stream was ended, ${backend}`, async () => {
      assert.deepEqual(await outputOf(backend, 'sayLast', 4000), [line.repeat(4000), 0])
    })

    it(`keeps no process where it is held back for ever, ${backend}`, async () => {
      assert.deepEqual(await outputOf(backend, 'whisper', 1000, 1000), ['', 0])
    })
  }
})
