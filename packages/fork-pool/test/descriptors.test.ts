import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Descriptor, fd } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools, worker } from './support/pools.js'

/** Opens the same file as ever, to be passed. */
function passed(): { inode: number; file: ReturnType<typeof fd> } {
  const number = openSync(fileURLToPath(worker), 'r')
  const both = { inode: fstatSync(number).ino, file: fd(number) }
  closeSync(number)
  return both
}

describe('descriptors in calls', () => {
  const start = usePools()

  it('pass both ways', async () => {
    const inodeOf = start('inodeOf', { max: 2 })
    const { inode, file } = passed()
    assert.equal(await inodeOf(file), inode)
    const received = (await start('openNull')()) as Descriptor
    assert.equal(received.isOpen, true)
    received.close()
  })

  it('are closed when their call is dropped, refused or cannot be made', async () => {
    const inodeOf = start('inodeOf', { max: 1 })
    const abort = new AbortController()
    const dropped = reasonOf(inodeOf.with({ signal: abort.signal })(passed().file))
    abort.abort()
    assert.equal((await dropped)?.name, 'AbortError')
    await inodeOf.destroy()
    assert.equal((await reasonOf(inodeOf(passed().file)))?.code, 'ERR_POOL_DESTROYED')
    assert.equal((await reasonOf(start('absent')(passed().file)))?.code, 'ERR_EXPORT_NOT_FOUND')
  })

  it('are closed when nobody listens to their event, and when they come for a call that was given up', async () => {
    const tellNull = start('tellNull', { max: 1 })
    for (let i = 0; i < 5; i++) await tellNull()
    const openNull = start('openNull', { max: 1, load: 2 })
    ;((await openNull()) as Descriptor).close()
    for (let i = 0; i < 5; i++) {
      const abort = new AbortController()
      const first = openNull() as Promise<Descriptor>
      const second = reasonOf(openNull.with({ signal: abort.signal })())
      const until = performance.now() + 50
      while (performance.now() < until); // both are answered, and nobody has noticed
      abort.abort()
      ;(await first).close()
      await second
    }
  })

  it('that were sent to a worker which died do not come again: their call is not made again', async () => {
    const inodeOf = start('inodeOf', { max: 1, retries: 5 })
    assert.equal((await reasonOf(inodeOf(passed().file, 'exit')))?.exitCode, 3)
    const { inode, file } = passed()
    assert.equal(await inodeOf(file), inode)
    await until(async () => (await inodeOf.stats()).workers.length === 1)
  })
})
