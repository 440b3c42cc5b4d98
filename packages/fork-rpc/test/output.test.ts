import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'mocha'

const talker = fileURLToPath(new URL('./fixtures/talker.js', import.meta.url))
const line = `${'x'.repeat(199)}\n`

/** What comes of so many calls, where nobody reads at once, and whether the program ends well. */
async function outputOf(backend: string, name: string, calls: number): Promise<[string, number | null]> {
  const program = spawn(process.execPath, [talker, backend, name, String(calls)], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 15_000 })
  await setTimeout(300)
  const output = await text(program.stdout)
  if (program.exitCode === null && program.signalCode === null) await new Promise(resolve => program.once('exit', resolve))
  return [output, program.exitCode]
}

describe('what a process writes to standard output', () => {
  for (const backend of ['sync', 'async']) {
    it(`is all there where nobody reads it at once, more than a pipe takes, ${backend}`, async () => {
      assert.deepEqual(await outputOf(backend, 'say', 4), [line.repeat(4000), 0])
    })

    it(`is all there where the stream was ended, ${backend}`, async () => {
      assert.deepEqual(await outputOf(backend, 'sayLast', 1), [line.repeat(1000), 0])
    })

    it(`keeps no process where it is held back for ever, ${backend}`, async () => {
      assert.deepEqual(await outputOf(backend, 'whisper', 2), ['', 0])
    })
  }
})
