import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
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
      const output = await outputReadLate([backend, 'writeLines', 1000, 1000, 1000, 1000])
      assert.ok(output === line.repeat(4000), `${output.length} characters`)
    })

    it('arrives whole, although nothing is read until the pipe is full, if the function ends the stream', async () => {
      const output = await outputReadLate([backend, 'writeLastLines', 4000])
      assert.ok(output === line.repeat(4000), `${output.length} characters`)
    })

    it('arrives whole, although nothing is read until the pipe is full, while the process waits for its next call', async () => {
      const output = await outputReadLate([backend, 'writeLines', 4000], 4000 * line.length)
      assert.ok(output === line.repeat(4000), `${output.length} characters`)
    })

    it('does not keep the process alive if the stream stays corked', async () => {
      assert.equal(await outputOf(program, [backend, 'writeCorked', '1000', '1000']), '')
    })
  })
}

/**
 * Runs the program with a pipe as standard output, and reads it only when it has been full. Returns all output.
 *
 * @param length - the connection is closed only when so many characters have been read
 */
async function outputReadLate(args: readonly (string | number)[], length = 0): Promise<string> {
  const [readEnd, writeEnd] = pipe()
  const child = spawn(process.execPath, [fileURLToPath(program), ...args.map(String)], {
    stdio: ['pipe', writeEnd.fd, 'inherit'],
  })
  const exited = once(child, 'exit')
  if (!length) child.stdin!.end()
  await until(async () => !(await isWritable(writeEnd)))
  writeEnd.close()
  let output = ''
  for await (const piece of createReadStream('', { fd: readEnd.release(), encoding: 'latin1' })) {
    output += piece
    if (length && output.length >= length) child.stdin!.end()
  }
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
