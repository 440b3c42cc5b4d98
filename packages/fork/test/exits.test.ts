import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ForkProcess } from '@anyfork/fork'
import { after, before, describe, it } from 'mocha'

const module = new URL('./fixtures/exits.js', import.meta.url)

/** All endings are as in any other Node program. `listenerCalls` counts calls of an 'exit' listener. */
const matrix: [way: string, code: number | null, signal: string | null, listenerCalls: number, stderr?: RegExp][] = [
  ['process.exit(3)', 3, null, 1],
  ['an empty loop', 0, null, 1],
  ['a timer, then an empty loop', 0, null, 1],
  ['process.exitCode = 4', 4, null, 1],
  ['a function that returned a promise', 0, null, 1],
  ["more work from 'beforeExit'", 5, null, 1],
  ['an uncaught throw', 1, null, 1, /TypeError: thrown on purpose\n +at /],
  ['a throw of a value that is not an Error', 1, null, 1, /thrown on purpose/],
  ['a throw in a timer', 1, null, 1, /TypeError: thrown on purpose\n +at /],
  ['an unhandled rejection', 1, null, 1, /TypeError: thrown on purpose\n +at /],
  ['a rejected async function', 1, null, 1, /TypeError: thrown on purpose\n +at /],
  ["an exit inside an 'exit' listener", 6, null, 1],
  ["a throw inside an 'exit' listener", 1, null, 1, /TypeError: thrown on purpose\n +at /],
  ["a throw inside an 'uncaughtException' listener", 7, null, 0, /TypeError: thrown on purpose\n +at /],
  ["a throw that an 'uncaughtException' listener handles", 0, null, 1],
  ['SIGTERM', null, 'SIGTERM', 0],
  ['SIGKILL', null, 'SIGKILL', 0],
  ['SIGABRT', null, 'SIGABRT', 0],
  ['SIGTERM with a listener', 9, null, 1],
]

describe('how a forked process ends', () => {
  let folder: string
  let template: ForkProcess
  let stderr: number

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    stderr = openSync(join(folder, 'stderr'), 'a')
    template = ForkProcess.exec({ stdio: ['ignore', 'inherit', stderr] }).require(module)
    await template.ready()
  })
  after(async () => {
    await template.close()
    closeSync(stderr)
    rmSync(folder, { recursive: true })
  })

  for (const [way, code, signal, listenerCalls, says] of matrix) {
    it(`a forked process ends with ${signal ?? `code ${code}`} after ${way}`, async () => {
      truncateSync(join(folder, 'stderr'))
      const child = template.fork().sendArg(way)
      const socket = (await child.run(module, 'end')).toSocket()
      const written = await text(socket)
      assert.deepEqual(await child.exited, { code, signal })
      assert.equal(written, 'E'.repeat(listenerCalls))
      const printed = readFileSync(join(folder, 'stderr'), 'utf8')
      if (says) assert.match(printed, says)
      else assert.equal(printed, '')
    })
  }
})
