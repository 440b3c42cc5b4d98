import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { receiveBuffer } from '@anyfork/fdpass'
import { describe, it } from 'mocha'

const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled'

/** Returns how many KiB of this process are advised to use huge pages: the mappings with `hg` in proc_pid_smaps(5). */
function advised(): number {
  let size = 0
  let sum = 0
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const [, total] = /^Size: +(\d+) kB/.exec(line) ?? []
    if (total) size = Number(total)
    if (/^VmFlags:.* hg\b/.test(line)) sum += size
  }
  return sum
}

describe('receiveBuffer()', () => {
  it('returns a buffer of exactly the requested size, and throws a RangeError for an invalid size', () => {
    for (const size of [0, 1, 1 << 20]) {
      const buffer = receiveBuffer(size)
      assert.equal(buffer.length, size)
      assert.equal(buffer.buffer.byteLength, size)
      assert.ok(buffer.fill(7).every(byte => byte === 7))
    }
    assert.throws(() => receiveBuffer(-1), RangeError)
    assert.throws(() => receiveBuffer(Infinity), RangeError)
  })

  it('advises the kernel to use huge pages for a buffer of 32 MiB, but not for a smaller one', function () {
    if (!existsSync(HUGE_PAGES)) this.skip()
    const before = advised()
    const small = receiveBuffer((1 << 25) - 1)
    assert.equal(advised(), before)
    const large = receiveBuffer(1 << 25)
    const more = advised() - before
    assert.ok(more >= (1 << 15) - 8 && more <= 1 << 15, `${more} KiB`) // only the pages that are entirely within the buffer
    assert.equal(large.fill(7)[(1 << 25) - 1], 7)
    assert.equal(small.length + 1, large.length)
  })
})
