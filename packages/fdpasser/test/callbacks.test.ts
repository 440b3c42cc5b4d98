import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { FdPasser, socketpair } from '@anyfork/fdpasser'
import { taggedPipe, tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { checkDescriptorCount } from './support/descriptor-count.js'

describe('a callback of pushRecv()', () => {
  checkDescriptorCount()

  it('may send and request descriptors, and destroy the passer', async () => {
    const [left, right] = socketpair().map(fd => new FdPasser({ fd, batch: 4 })) as [FdPasser, FdPasser]
    const order: string[] = []
    await new Promise<void>(resolve => {
      right.pushRecv((_error, first) => {
        order.push(tagOf(first!))
        right.pushRecv((_error, second) => {
          order.push(tagOf(second!))
          void right.pushSend(taggedPipe('answer'))
          resolve()
        })
        void left.pushSend(taggedPipe('b'))
      })
      void left.pushSend(taggedPipe('a'))
    })
    order.push(tagOf(await left.pushRecv()))
    assert.deepEqual(order, ['a', 'b', 'answer'])
    // The message that brings this descriptor brings three more, which the passer closes.
    const ended = new Promise<void>(resolve => {
      right.pushRecv((_error, descriptor) => {
        descriptor!.close()
        right.destroy()
        resolve()
      })
    })
    const sent = Array.from({ length: 4 }, () => left.pushSend(taggedPipe('x')))
    await ended
    await Promise.all(sent)
    await assert.rejects(right.pushRecv(), { code: 'ERR_PASSER_CLOSED' })
    left.destroy()
  })

  it('may destroy the passer, which rejects the remaining requests with ERR_PASSER_CLOSED', async () => {
    const [left, right] = socketpair().map(fd => new FdPasser({ fd })) as [FdPasser, FdPasser]
    const outcomes: string[] = []
    const all = Promise.all(
      Array.from(
        { length: 50 },
        (_, i) =>
          new Promise<void>(resolve => {
            right.pushRecv((error, descriptor) => {
              outcomes.push(descriptor ? tagOf(descriptor) : (error as NodeJS.ErrnoException).code!)
              if (i === 10) right.destroy()
              resolve()
            })
          }),
      ),
    )
    for (let i = 0; i < 50; i++) void left.pushSend(taggedPipe(`${i}`))
    await all
    assert.deepEqual(
      outcomes.slice(0, 11),
      Array.from({ length: 11 }, (_, i) => `${i}`),
    )
    assert.deepEqual(new Set(outcomes.slice(11)), new Set(['ERR_PASSER_CLOSED']))
    left.destroy()
  })

  it('may exit the process', () => {
    const program = `
      import { FdPasser, socketpair } from '@anyfork/fdpasser'
      const [left, right] = socketpair().map(fd => new FdPasser({ fd }))
      for (let i = 0; i < 100; i++) { left.pushSend(0, { keep: true }); right.pushRecv(() => process.exit(7)) }`
    assert.equal(
      spawnSync(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'inherit', 'inherit'] })
        .status,
      7,
    )
  })
})
