import assert from 'node:assert/strict'
import { isLinux } from '@anyfork/fdpass/internal'
import { ForkProcess } from '@anyfork/fork'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const size = isSoak ? 1.25 * 2 ** 30 : 2 ** 26

describe('large arguments', () => {
  it(`sendArg() of ${size / 2 ** 20} MiB arrives whole; the process holds it only once`, async () => {
    const octets = Buffer.alloc(size)
    octets[size - 1] = 7
    const template = ForkProcess.exec()
    const child = template.fork()
    await child.ready()
    const before = isSoak && isLinux ? (await child.memory()).rss : undefined
    child.sendArg(octets)
    const { length, last, peak } = await answer<{ length: number; last: number; peak: number }>(
      await child.run(worker, 'weighArgument'),
    )
    assert.deepEqual([length, last], [size, 7])
    if (before !== undefined) assert.ok(peak - before < 1.5 * size, `the process grew by ${peak - before} bytes`)
    await template.close()
  })

  it(`a fork inherits an argument of ${size / 2 ** 20} MiB`, async () => {
    const octets = Buffer.alloc(size)
    octets[size - 1] = 8
    const template = ForkProcess.exec().sendArg(octets)
    const child = template.fork()
    const { length, last } = await answer<{ length: number; last: number }>(await child.run(worker, 'weighArgument'))
    assert.deepEqual([length, last], [size, 8])
    await template.close()
  })

  it('sendArg() throws RangeError for an argument of 4 GiB', async function () {
    if (!isSoak || Number(process.versions.node.split('.')[0]) < 22) return this.skip() // a buffer of that size, and memory for it
    for (const child of [ForkProcess.create(), ForkProcess.remote({ command: [process.execPath] })]) {
      assert.throws(() => child.sendArg(Buffer.alloc(2 ** 32)), RangeError)
      assert.equal(await child.call('node:path', 'basename', '/goes/on'), 'on')
      await child.close()
    }
  })
})
