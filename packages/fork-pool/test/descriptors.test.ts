import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Descriptor, fd } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { block, reasonOf, usePools, worker } from './support/pools.js'

/** Opens the module of the workers, to be passed in a call. Returns its inode as well. */
function passed(): { inode: number; file: ReturnType<typeof fd> } {
  const number = openSync(fileURLToPath(worker), 'r')
  const both = { inode: fstatSync(number).ino, file: fd(number) }
  closeSync(number)
  return both
}

describe('descriptors of calls', () => {
  const start = usePools()

  it('descriptors pass in arguments and in results', async () => {
    const inodeOf = start('inodeOf', { max: 2 })
    const { inode, file } = passed()
    assert.equal(await inodeOf(file), inode)
    const received = (await start('openNull')()) as Descriptor
    assert.equal(received.isOpen, true)
    received.close()
  })

  it('a call that is aborted, rejected, or cannot be made closes its descriptors', async () => {
    const inodeOf = start('inodeOf', { max: 1 })
    const abort = new AbortController()
    const dropped = reasonOf(inodeOf.with({ signal: abort.signal })(passed().file))
    abort.abort()
    assert.equal((await dropped)?.name, 'AbortError')
    await inodeOf.destroy()
    assert.equal((await reasonOf(inodeOf(passed().file)))?.code, 'ERR_POOL_DESTROYED')
    assert.equal((await reasonOf(start('absent')(passed().file)))?.code, 'ERR_EXPORT_NOT_FOUND')
  })

  it('the descriptors of an event without a listener are closed', async () => {
    const emitNull = start('emitNull', { max: 1 })
    for (let i = 0; i < 5; i++) await emitNull()
  })

  it('the descriptor in the result of an aborted call is closed', async () => {
    const openNull = start('openNull', { max: 1, load: 2 })
    ;((await openNull()) as Descriptor).close()
    for (let i = 0; i < 3; i++) {
      const abort = new AbortController()
      const first = openNull() as Promise<Descriptor>
      const second = openNull.with({ signal: abort.signal })() as Promise<Descriptor>
      await setImmediate() // both have been sent
      block(50) // usually, both results arrive meanwhile
      abort.abort()
      ;(await first).close()
      await second.then(
        descriptor => descriptor.close(), // both results had arrived before
        () => {},
      )
    }
  })

  it('a call that has passed a descriptor is not repeated when its worker dies', async () => {
    const inodeOf = start('inodeOf', { max: 1, retries: 5 })
    assert.equal((await reasonOf(inodeOf(passed().file, 'exit')))?.exitCode, 3)
    const { inode, file } = passed()
    assert.equal(await inodeOf(file), inode)
    await until(async () => (await inodeOf.stats()).workers.length === 1)
  })
})
