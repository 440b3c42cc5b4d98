import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fd } from '@anyfork/fork-pool'
import { openResources, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools, worker } from './support/pools.js'

/** A descriptor of the module of the workers, and its inode. */
function passed(): { inode: number; file: ReturnType<typeof fd> } {
  const number = openSync(fileURLToPath(worker), 'r')
  const both = { inode: fstatSync(number).ino, file: fd(number) }
  closeSync(number)
  return both
}

const openCount = (): number => openResources().descriptors.length

describe('descriptors and iterables of waiting calls', () => {
  const start = usePools()
  const pathOf = useFolder()

  for (const options of [{ max: 1 }, { max: 1, load: 2 }, { max: 1, isolate: true, spare: 1 }]) {
    it(`a descriptor is kept while its call waits, with ${JSON.stringify(options)}`, async () => {
      const inodeAfter = start('inodeAfter', options)
      const file = pathOf('go')
      const { inode, file: descriptor } = passed()
      const args = { nested: [passed().file] }
      const calls = [
        inodeAfter(file, passed().file),
        inodeAfter(file, descriptor),
        inodeAfter(file, ...args.nested),
        inodeAfter(file, passed().file),
      ]
      args.nested = []
      writeFileSync(file, '')
      assert.deepEqual(
        await Promise.all(calls),
        Array.from({ length: 4 }, () => inode),
      )
    })
  }

  it('a descriptor that waits in one call cannot be passed in another', async () => {
    const inodeAfter = start('inodeAfter', { max: 1 })
    const { inode, file } = passed()
    const path = pathOf('go')
    const calls = [inodeAfter(path, passed().file), inodeAfter(path, file)]
    assert.match((await reasonOf(inodeAfter(path, file)))!.message, /can be passed only once/)
    writeFileSync(path, '')
    assert.deepEqual(await Promise.all(calls), [inode, inode])
  })

  it('the descriptor of a waiting call is closed when the call is aborted', async () => {
    const inodeAfter = start('inodeAfter', { max: 1 })
    const path = pathOf('go')
    const busy = inodeAfter(path, passed().file)
    await until(() => inodeAfter.workers[0]?.load === 1)
    const before = openCount()
    const abort = new AbortController()
    const aborted = inodeAfter.with({ signal: abort.signal })(path, passed().file)
    assert.equal(openCount(), before + 1)
    abort.abort()
    assert.equal(openCount(), before)
    await assert.rejects(aborted, { name: 'AbortError' })
    writeFileSync(path, '')
    await busy
  })

  it('a call that is rejected closes no descriptor that was added to its arguments later', async () => {
    const inodeOf = start('inodeOf', { max: 1 })
    const abort = new AbortController()
    const args: unknown[] = [passed().file]
    const aborted = inodeOf.with({ signal: abort.signal })({ args })
    const { inode, file } = passed()
    args.push(file)
    abort.abort()
    await assert.rejects(aborted, { name: 'AbortError' })
    assert.equal(await inodeOf(file), inode)
  })

  it('the descriptors of waiting calls are closed when the queue is full or the pool is destroyed', async () => {
    const inodeAfter = start('inodeAfter', { max: 1, maxQueue: 1 })
    const path = pathOf('go')
    const calls = Array.from({ length: 4 }, () => reasonOf(inodeAfter(path, passed().file)))
    await calls[3]
    await inodeAfter.destroy()
    assert.deepEqual(
      (await Promise.all(calls)).map(reason => reason?.code),
      ['ERR_POOL_DESTROYED', 'ERR_POOL_DESTROYED', 'ERR_POOL_QUEUE_FULL', 'ERR_POOL_QUEUE_FULL'],
    )
  })

  it('an iterable of a waiting call is read only when a worker runs the call', async () => {
    const sumAfter = start('sumAfter', { max: 1 })
    const path = pathOf('go')
    let isBegun = false
    function* values(): Generator<number[]> {
      isBegun = true
      const reused = [0]
      for (reused[0] = 1; reused[0] <= 3; reused[0]++) yield reused
    }
    const first = sumAfter(path, [[1]].values())
    await until(() => sumAfter.workers[0]?.load === 1)
    const second = sumAfter(path, values())
    await sumAfter.stats()
    assert.equal(isBegun, false)
    writeFileSync(path, '')
    assert.deepEqual(await Promise.all([first, second]), [1, 6])
  })

  it('an aborted waiting call never reads its iterable', async () => {
    const sumAfter = start('sumAfter', { max: 1 })
    const path = pathOf('go')
    const busy = sumAfter(path, [].values())
    const abort = new AbortController()
    const values = [[1]].values()
    const aborted = sumAfter.with({ signal: abort.signal })(path, values)
    abort.abort()
    await assert.rejects(aborted, { name: 'AbortError' })
    writeFileSync(path, '')
    await busy
    assert.deepEqual([...values], [[1]])
  })

  for (const options of [{ max: 1 }, { max: 1, load: 2 }]) {
    it(`a call rejects if the memory of its buffer is transferred while it waits, with ${JSON.stringify(options)}`, async () => {
      const wait = start('waitForFile', options)
      const path = pathOf('go')
      const first = wait(path, 'first')
      await until(() => wait.workers[0]?.load === 1)
      const large = new Uint8Array(1 << 20)
      const second = wait(path, { large, file: passed().file })
      const third = wait(path, 'third')
      structuredClone(large, { transfer: [large.buffer] })
      writeFileSync(path, '')
      await assert.rejects(second, { name: 'TypeError', message: /was transferred or resized/ })
      assert.deepEqual(await Promise.all([first, third]), ['first', 'third'])
    })
  }

  it('a repeated call reads its iterable again if that is possible', async () => {
    const die = start('sumThenDieAt', { max: 1, retries: 1 })
    const values = {
      async *[Symbol.asyncIterator]() {
        yield* [1, 2, 3]
      },
    }
    assert.equal(await die(pathOf('begun'), values), 6)
    assert.equal((await die.stats()).calls.retried, 1)
  })
})
