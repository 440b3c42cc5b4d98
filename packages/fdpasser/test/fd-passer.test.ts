import assert from 'node:assert/strict'
import { fstatSync, readdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { pipe } from '@anyfork/fdpass'
import { FdPasser } from '@anyfork/fdpasser'

describe('FdPasser', () => {
  let left: FdPasser
  let right: FdPasser
  let before: number

  beforeEach(() => {
    before = readdirSync('/proc/self/fd').length
    ;[left, right] = FdPasser.pair()
  })
  afterEach(async () => {
    await Promise.all([left.close(), right.close()])
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  it('passes descriptors in order, both ways at once, however many', async () => {
    const passed = await Promise.all(
      ([[left, right], [right, left]] as const).flatMap(([from, to]) =>
        Array.from({ length: 500 }, async () => {
          const [readEnd, writeEnd] = pipe()
          writeEnd.close()
          const { ino } = fstatSync(readEnd.fd)
          const [received] = await Promise.all([to.pushRecv(), from.pushSend(readEnd)])
          const same = fstatSync(received.fd).ino === ino
          received.close()
          return same
        }),
      ),
    )
    assert.equal(passed.length, 1000)
    assert.ok(passed.every(Boolean))
  })

  it('takes over a Descriptor, and only that', async () => {
    const [readEnd, writeEnd] = pipe()
    await left.pushSend(readEnd)
    await left.pushSend(writeEnd.fd)
    assert.equal(readEnd.isOpen, false)
    writeEnd.close()
    for (let i = 0; i < 2; i++) (await right.pushRecv()).close()
  })

  it('rejects what will never come when the peer closes, after all that it sent', async () => {
    const [readEnd, writeEnd] = pipe()
    const received = [right.pushRecv(), right.pushRecv(), right.pushRecv()]
    left.pushSend(readEnd)
    left.pushSend(writeEnd)
    await left.close()
    for (const descriptor of await Promise.all(received.slice(0, 2))) descriptor.close()
    await assert.rejects(received[2]!, { code: 'ERR_PASSER_ENDED' })
    await assert.rejects(left.pushRecv(), { code: 'ERR_PASSER_CLOSED' })
  })

  it('rejects what was not sent, and closes it, when destroyed', async () => {
    const sending: Promise<unknown>[] = []
    for (let i = 0; i < 2000; i++) sending.push(left.pushSend(0))
    left.destroy()
    const settled = await Promise.allSettled(sending)
    const rejected = settled.filter(one => one.status === 'rejected')
    assert.ok(rejected.length > 0)
    for (const { reason } of rejected as PromiseRejectedResult[]) assert.equal(reason.code, 'ERR_PASSER_CLOSED')
  })
})
