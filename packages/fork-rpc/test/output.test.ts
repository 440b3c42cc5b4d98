import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'mocha'

const talker = fileURLToPath(new URL('./fixtures/talker.js', import.meta.url))

describe('what a process writes to standard output', () => {
  for (const backend of ['sync', 'async']) {
    it(`is all there where nobody reads it at once, more than a pipe takes, ${backend}`, async () => {
      const program = spawn(process.execPath, [talker, backend], { stdio: ['ignore', 'pipe', 'inherit'] })
      await setTimeout(300)
      const output = await text(program.stdout)
      assert.equal(output, `${'x'.repeat(199)}\n`.repeat(4000))
    })
  }
})
