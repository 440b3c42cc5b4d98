import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { isLinux, mapSharedWords, shareWords } from '@anyfork/fdpass/internal'
import { before, describe, it } from 'mocha'

describe('shareWords()', () => {
  before(function () {
    if (!isLinux) this.skip()
  })

  it('makes words that are zero, and the same ones wherever they are mapped', () => {
    const { words, descriptor } = shareWords(16)
    const same = mapSharedWords(descriptor, 16)
    descriptor.close()
    assert.deepEqual([...words], new Array(16).fill(0))
    assert.equal(Atomics.compareExchange(words, 15, 0, 7), 0)
    assert.equal(Atomics.compareExchange(same, 15, 0, 8), 7)
    assert.equal(Atomics.load(same, 15), 7)
  })

  it('makes memory whose size no process can change', () => {
    const { descriptor } = shareWords(16)
    for (const size of [0, 1 << 20])
      assert.throws(() => truncateSync(`/proc/self/fd/${descriptor.fd}`, size), { code: 'EPERM' })
    descriptor.close()
  })

  it('does not map what is not open', () => {
    const { descriptor } = shareWords(16)
    const { fd } = descriptor
    descriptor.close()
    assert.throws(() => mapSharedWords(fd, 16), { code: 'EBADF', syscall: 'mmap' })
  })
})
