import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  Descriptor,
  dup,
  isNonblocking,
  read,
  shutdown,
  socketpair,
  type WatchEvents,
  type WatchOptions,
  watch,
  write,
} from '@anyfork/fdpass'
import { collectGarbage } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

describe('watch()', () => {
  it('calls back until the end of the stream after the peer has reset the connection', async () => {
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

  it('calls back when bytes can be read', async () => {
    const [left, right] = socketpair()
    const ready = await new Promise(resolve => {
      const watching = watch(right, { readable: true }, events => {
        watching.close()
        resolve(events)
      })
      write(left, Buffer.from('x'))
    })
    assert.deepEqual(ready, { readable: true, writable: false, hangup: false })
    left.close()
    right.close()
  })

  it('reports a hangup before the program has read the last bytes', async () => {
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

  it('makes the descriptor non-blocking, except with keepBlocking', () => {
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

  it('throws EEXIST if the descriptor is already watched', () => {
    const [left, right] = socketpair()
    const watching = watch(left, { readable: true }, () => {})
    assert.throws(() => watch(left, { readable: true }, () => {}), { code: 'EEXIST' })
    watching.close()
    left.close()
    right.close()
  })

  it('leaves the descriptor blocking if it throws', () => {
    const [left, right] = socketpair()
    const callback = (): void => {}
    const watching = watch(left, { readable: true }, callback, { keepBlocking: true })
    assert.throws(() => watch(left, { readable: true }, callback), { code: 'EEXIST' })
    assert.equal(isNonblocking(left), false)
    assert.throws(() => watch(right, null as unknown as WatchEvents, callback), TypeError)
    assert.equal(isNonblocking(right), false)
    const file = new Descriptor(openSync(fileURLToPath(import.meta.url), 'r'))
    assert.throws(() => watch(file, { readable: true }, callback), { code: 'EPERM' })
    assert.equal(isNonblocking(file), false)
    watching.close()
    for (const descriptor of [left, right, file]) descriptor.close()
  })

  it('throws a TypeError for invalid events, options, and callbacks, as change() does for invalid events', () => {
    const [left, right] = socketpair()
    const callback = (): void => {}
    const watching = watch(left, { hangup: true, writable: undefined! }, callback)
    for (const events of [
      { readble: true },
      { readable: 1 },
      { hangup: 'yes' },
      { writable: null },
      'readable',
      5,
      null,
      undefined,
      ['readable'],
    ] as unknown as WatchEvents[]) {
      assert.throws(() => watch(right, events, callback), {
        name: 'TypeError',
        message: /event|readable|hangup|writable/,
      })
      assert.throws(() => watching.change(events), { name: 'TypeError', message: /event|readable|hangup|writable/ })
    }
    for (const options of [
      { keepBlockng: true },
      { keepBlocking: 1 },
      { onClose: 5 },
      null,
      true,
    ] as unknown as WatchOptions[]) {
      assert.throws(() => watch(right, { readable: true }, callback, options), {
        name: 'TypeError',
        message: /option|keepBlocking|onClose/,
      })
    }
    for (const value of [undefined, {}, 'x'])
      assert.throws(() => watch(right, { readable: true }, value as () => void), {
        name: 'TypeError',
        message: /callback/,
      })
    assert.equal(isNonblocking(right), false)
    watching.close()
    left.close()
    right.close()
  })

  for (const [how, end] of [
    ['closed', (descriptor: Descriptor): void => descriptor.close()],
    ['disposed', (descriptor: Descriptor): void => descriptor[Symbol.dispose]()],
    ['released', (descriptor: Descriptor): void => closeSync(descriptor.release())],
    ['turned into a socket', (descriptor: Descriptor): void => void descriptor.toSocket().destroy()],
  ] as const) {
    it(`stops when its Descriptor is ${how}, in the same turn, later, or after a change, and calls only onClose`, async () => {
      for (const when of ['at once', 'later', 'after a change']) {
        const [left, right] = socketpair()
        write(right, Buffer.from('x'))
        const called: string[] = []
        const watching = watch(left, when === 'later' ? {} : { readable: true }, () => called.push('callback'), {
          onClose: () => called.push('onClose'),
        })
        watch(left, {}, () => called.push('callback')) // a watch without events
        if (when === 'later') {
          await turns(2)
          watching.change({ hangup: true })
          await turns(2)
        }
        if (when === 'after a change') watching.change({ writable: true })
        const { fd } = left
        end(left)
        assert.throws(() => watching.change({ readable: true }), { code: 'EBADF' })
        watching.unref()
        watching.close()
        await turns(3)
        assert.deepEqual(called, ['onClose'], when)
        const again = dup(right)
        assert.equal(again.fd, fd)
        watch(again, { writable: true }, () => {}).close()
        again.close()
        right.close()
      }
    })
  }

  it('does not call onClose if the watch was closed before its Descriptor', async () => {
    const [left, right] = socketpair()
    watch(left, { readable: true }, () => {}, { onClose: () => assert.fail() }).close()
    left.close()
    right.close()
    await turns(2)
  })

  it('lets the garbage collector free a closed Descriptor, and the callback of a closed watch', async () => {
    const [open, right] = socketpair()
    const references = ((): WeakRef<object>[] => {
      const left = dup(right)
      const callback = (): boolean => left.isOpen
      watch(left, { readable: true }, callback)
      const closedCallback = (): boolean => open.isOpen
      watch(open, { readable: true }, closedCallback).close()
      left.close()
      return [left, callback, closedCallback].map(object => new WeakRef(object))
    })()
    await collectGarbage()
    assert.deepEqual(
      references.map(reference => reference.deref()),
      [undefined, undefined, undefined],
    )
    open.close()
    right.close()
  })
})
