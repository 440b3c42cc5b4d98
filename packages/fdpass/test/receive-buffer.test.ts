import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { receiveBuffer } from '@anyfork/fdpass'
import { describe, it } from 'mocha'

const HUGE_PAGES = '/sys/kernel/mm/transparent_hugepage/enabled'

/** How many KiB of this process the kernel is asked to give huge pages to: `hg` in proc_pid_smaps(5). */
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
  it('is memory of that many bytes', () => {
    for (const size of [0, 1, 1 << 20]) {
      const buffer = receiveBuffer(size)
      assert.equal(buffer.length, size)
      assert.equal(buffer.buffer.byteLength, size)
      assert.ok(buffer.fill(7).every(byte => byte === 7))
    }
    assert.throws(() => receiveBuffer(-1), RangeError)
    assert.throws(() => receiveBuffer(Infinity), RangeError)
  })

  it('is of huge pages where it is large, as far as the system has them', function () {
    if (!existsSync(HUGE_PAGES)) this.skip()
    const before = advised()
    const small = receiveBuffer((1 << 25) - 1)
    assert.equal(advised(), before)
    const large = receiveBuffer(1 << 25)
    const more = advised() - before
    assert.ok(more >= (1 << 15) - 8 && more <= 1 << 15, `${more} KiB`) // whole pages within it
    assert.equal(large.fill(7)[(1 << 25) - 1], 7)
    assert.equal(small.length + 1, large.length)
  })
})
