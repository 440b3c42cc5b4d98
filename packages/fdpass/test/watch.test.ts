import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { isNonblocking, read, shutdown, socketpair, watch, write, type WatchEvents } from '@anyfork/fdpass'

describe('watch', () => {
  it('goes on after the peer has reset the connection, up to the end', async () => {
    const [left, right] = socketpair()
    write(left, Buffer.from('never read'))
    write(right, Buffer.from('ab'))
    right.close()
    const seen: (number | string)[] = []
    await new Promise<void>(resolve => {
      const watching = watch(left, { readable: true }, () => {
        try {
          seen.push(read(left, Buffer.alloc(1)))
        } catch (error) {
          seen.push((error as NodeJS.ErrnoException).code!)
        }
        if (seen.at(-1) !== 0) return
        watching.close()
        resolve()
      })
    })
    assert.deepEqual(seen, [1, 1, 'ECONNRESET', 0])
    left.close()
  })

  it('tells of a hangup without reading', async () => {
    const [left, right] = socketpair()
    write(right, Buffer.from('x'))
    const ready = new Promise<Required<WatchEvents>>(resolve => {
      const watching = watch(left, { hangup: true }, events => {
        watching.close()
        resolve(events)
      })
    })
    shutdown(right, 'write')
    assert.deepEqual(await ready, { readable: false, writable: false, hangup: true })
    left.close()
    right.close()
  })

  it('makes the descriptor non-blocking, unless it is to stay as it is', () => {
    const [left, right] = socketpair()
    const watching = watch(left, { readable: true }, () => {}, { keepBlocking: true })
    assert.equal(isNonblocking(left), false)
    watching.change({ readable: true, writable: true })
    assert.equal(isNonblocking(left), false)
    watching.close()
    watch(left, {}, () => {}).close()
    assert.equal(isNonblocking(left), true)
    left.close()
    right.close()
  })

  it('refuses to watch the same descriptor twice with EEXIST', () => {
    const [left, right] = socketpair()
    const watching = watch(left, { readable: true }, () => {})
    assert.throws(() => watch(left, { readable: true }, () => {}), { code: 'EEXIST' })
    watching.close()
    left.close()
    right.close()
  })
})
