import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { dup, pipe } from '@anyfork/fdpass'
import { type Descriptor, FdPasser, socketpair } from '@anyfork/fdpasser'
import { isSoak, openDescriptors, taggedPipe } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { checkDescriptorCount } from './support/descriptor-count.js'
import { startPeer, untilStopped } from './support/peer-process.js'

describe('a passer with a killed or stopped peer', () => {
  checkDescriptorCount()

  it('resolves pushSend() before the peer requests the descriptor, which the kernel closes when the peer is killed', async () => {
    const peer = startPeer('wait')
    let passer!: FdPasser
    const ended = new Promise<Error | undefined>(onError => (passer = new FdPasser({ fd: peer.socket, onError })))
    const [readEnd, writeEnd] = pipe()
    await passer.pushSend(writeEnd)
    peer.process.kill('SIGKILL')
    assert.equal(await text(readEnd.toSocket()), '')
    assert.match(String(((await ended) as NodeJS.ErrnoException | undefined)?.code), /^(undefined|ECONNRESET)$/)
    await assert.rejects(passer.pushSend(taggedPipe('late')), { code: /^(ECONNRESET|ERR_PASSER_ENDED)$/ })
    await peer.exited
  })

  const pairs = isSoak ? 1000 : 210 // 210 go through all combinations of batches, turns, and ends
  it(`closes all descriptors of its queues when it is destroyed, for ${pairs} pairs of passers`, async () => {
    for (let i = 0; i < pairs; i++) {
      const [left, right] = socketpair().map(fd => new FdPasser({ fd, batch: 1 + (i % 5) })) as [FdPasser, FdPasser]
      const settled = Promise.allSettled([
        left.pushRecv(),
        right.pushRecv(),
        ...[left, right].flatMap(passer => Array.from({ length: 5 }, () => passer.pushSend(dup(0)))),
      ])
      if (i % 3) await new Promise(setImmediate)
      ;[left, right][i % 2]!.destroy()
      if (i % 7) await new Promise(setImmediate)
      ;[left, right][(i + 1) % 2]!.destroy()
      for (const outcome of await settled)
        if (outcome.status === 'fulfilled') (outcome.value as Descriptor | undefined)?.close()
    }
  })

  it(`leaks ${isSoak ? 'neither descriptors nor memory' : 'no descriptors'} while receivers are started and killed`, async function () {
    this.timeout(1_800_000)
    const [rounds, perRound] = isSoak ? [40, 20_000] : [4, 1000]
    let rssAfterTwo = 0
    for (let round = 0; round < rounds; round++) {
      const peer = startPeer('count', { stdout: 'pipe' })
      const passer = new FdPasser({ fd: peer.socket, batch: [1, 32, 253][round % 3]! })
      const killAt = round % 2 ? Math.floor(Math.random() * perRound) : -1
      let settled = 0
      let pushed = 0
      try {
        for (; pushed < perRound; pushed++) {
          if (pushed === killAt) peer.process.kill('SIGKILL')
          passer.pushSend(pushed % 10 ? 0 : dup(0), { keep: pushed % 10 > 0 }).then(
            () => settled++,
            () => settled++,
          )
          if (passer.pressure >= 1) await passer.drained()
        }
      } catch (error) {
        assert.ok(killAt >= 0, error as Error)
        pushed++
      }
      await passer.close()
      await peer.exited
      assert.equal(settled, pushed)
      if (killAt < 0) assert.equal(await peer.output, `${perRound}\n`)
      if (round === 1) rssAfterTwo = process.memoryUsage().rss
    }
    if (isSoak) assert.ok(process.memoryUsage().rss - rssAfterTwo < 64 << 20)
  })

  it('settles every promise once when the receiver is killed, and leaves no descriptor open', async () => {
    const before = openDescriptors()
    const peer = startPeer('wait')
    const passer = new FdPasser({ fd: peer.socket })
    const sent = Array.from({ length: 1000 }, () => passer.pushSend(taggedPipe('x')))
    let settled = 0
    for (const promise of sent)
      promise.then(
        () => settled++,
        () => settled++,
      )
    peer.process.kill('SIGKILL')
    const outcomes = await Promise.allSettled(sent)
    await new Promise(setImmediate)
    assert.equal(settled, 1000)
    const rejected = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    assert.ok(rejected.length > 500)
    for (const { reason } of rejected)
      assert.match((reason as NodeJS.ErrnoException).code!, /^(EPIPE|ECONNRESET|ERR_PASSER_ENDED)$/)
    await peer.exited
    passer.destroy()
    assert.equal(openDescriptors(), before)
  })

  it('sends every descriptor to a receiver that is stopped, and continued when the queue is full', async () => {
    const peer = startPeer('count', { stdout: 'pipe' })
    const passer = new FdPasser({ fd: peer.socket, batch: 8 })
    const sent: Promise<void>[] = []
    let isStopped = false
    for (let i = 0; i < 20_000; i++) {
      if (i === 5000) {
        await untilStopped(peer)
        isStopped = true
      }
      sent.push(passer.pushSend(0, { keep: true }))
      if (passer.pressure < 1) continue
      if (isStopped) peer.process.kill('SIGCONT')
      isStopped = false
      await passer.drained()
    }
    await Promise.all(sent)
    await passer.close()
    assert.equal(await peer.output, '20000\n')
  })
})
