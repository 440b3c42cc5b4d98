import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Descriptor, pipe, watch } from '@anyfork/fdpass'
import { outputOf, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const program = new URL('./fixtures/stdout-writer.js', import.meta.url)
const line = `${'x'.repeat(199)}\n`

for (const backend of ['sync', 'async']) {
  describe(`the standard output of a process with the ${backend} backend`, () => {
    it('arrives whole, although nothing is read until the pipe is full', async () => {
      const output = await outputReadLate(backend, 'writeLines', 1000, 1000, 1000, 1000)
      assert.ok(output === line.repeat(4000), `${output.length} characters`)
    })

    it('arrives whole, although nothing is read until the pipe is full, if the function ends the stream', async () => {
      const output = await outputReadLate(backend, 'writeLastLines', 4000)
      assert.ok(output === line.repeat(4000), `${output.length} characters`)
    })

    it('does not keep the process alive if the stream stays corked', async () => {
      assert.equal(await outputOf(program, [backend, 'writeCorked', '1000', '1000']), '')
    })
  })
}

/** Runs the program with a pipe as standard output, and reads it only when it has been full. Returns all output. */
async function outputReadLate(backend: string, name: string, ...counts: number[]): Promise<string> {
  const [readEnd, writeEnd] = pipe()
  const child = spawn(process.execPath, [fileURLToPath(program), backend, name, ...counts.map(String)], {
    stdio: ['ignore', writeEnd.fd, 'inherit'],
  })
  const exited = once(child, 'exit')
  await until(async () => !(await isWritable(writeEnd)))
  writeEnd.close()
  const output = await text(createReadStream('', { fd: readEnd.release() }))
  assert.deepEqual(await exited, [0, null])
  return output
}

/** Reports whether a pipe has room. */
async function isWritable(writeEnd: Descriptor): Promise<boolean> {
  let isReady = false
  const watching = watch(writeEnd, { writable: true }, () => (isReady = true))
  for (let i = 0; i < 2; i++) await setImmediate() // the event loop polls in between
  watching.close()
  return isReady
}
