import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { type Descriptor, FdPasser, socketpair } from '@anyfork/fdpasser'
import { isSoak, taggedPipe, tagOf } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { checkDescriptorCount } from './support/descriptor-count.js'
import { floodBothWays } from './support/flood.js'
import { firstLine, startPeer } from './support/peer-process.js'

describe('a queue of descriptors', () => {
  checkDescriptorCount()

  it('is sent completely to a peer that starts to receive late', async () => {
    const count = isSoak ? 100_000 : 5000
    const [left, right] = socketpair().map(fd => new FdPasser({ fd })) as [FdPasser, FdPasser]
    const files = Array.from({ length: 7 }, (_, i) => taggedPipe(`${i}`))
    const sent = Array.from({ length: count }, (_, i) => left.pushSend(files[i % 7]!, { keep: true }))
    await sent[0]
    assert.ok(left.pressure > (count - 1000) / 256)
    const first = await Promise.all(Array.from({ length: 7 }, () => right.pushRecv()))
    assert.deepEqual(first.map(tagOf), ['0', '1', '2', '3', '4', '5', '6'])
    for (let i = 7; i < count; i++) (await right.pushRecv()).close()
    await Promise.all(sent)
    for (const file of files) file.close()
    left.destroy()
    right.destroy()
  })

  const ring =
    'import ctypes, os, sys; fd = ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120)); os.dup2(fd, 5) if fd >= 0 else sys.exit(77)'
  let canMakeRing: boolean
  before(() => (canMakeRing = spawnSync('python3', ['-I', '-S', '-c', ring]).status === 0))

  for (const batch of [1, 8]) {
    it(`is sent except for a descriptor that the kernel does not pass, an io_uring (batch ${batch})`, async function () {
      if (!canMakeRing) return this.skip()
      const peer = startPeer('sendUnpassable', {
        shell: `set -- python3 -I -S -c '${ring}; os.execvp(sys.argv[1], sys.argv[1:])' "$@"`,
        args: [`${batch}`],
        stdout: 'lines',
      })
      const passer = new FdPasser({ fd: peer.socket })
      const line = firstLine(peer)
      for (let i = 0; i < 3; i++) (await passer.pushRecv()).close()
      assert.equal(await line, 'sent,EINVAL,sent,sent')
      await peer.exited
      passer.destroy()
    })
  }

  for (const batch of [1, 32]) {
    it(`is sent in both directions at once without a deadlock (batch ${batch})`, async () => {
      const count = isSoak ? 50_000 : 1500
      const peer = startPeer('floodBothWays', { args: [`${count}`, `${batch}`] })
      const passer = new FdPasser({ fd: peer.socket, batch })
      await floodBothWays(passer, count)
      await passer.close()
      assert.deepEqual(await peer.exited, [0, null])
    })
  }

  for (const way of ['callbacks', 'promises'] as const) {
    it(`is received in bursts of at most 64 descriptors per turn of the event loop (${way})`, async () => {
      const count = 5000
      const [sender, receiver] = socketpair().map(fd => new FdPasser({ fd, highWaterMark: count })) as [
        FdPasser,
        FdPasser,
      ]
      let inTurn = 0
      let largestBurst = 0
      let isOver = false
      const turn = (): void => {
        inTurn = 0
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      for (let i = 0; i < count; i++) void sender.pushSend(0, { keep: true })
      const take = (descriptor: Descriptor): void => {
        descriptor.close()
        largestBurst = Math.max(largestBurst, ++inTurn)
      }
      if (way === 'promises') {
        for (let i = 0; i < count; i++) take(await receiver.pushRecv())
      } else {
        await new Promise<void>(resolve => {
          let requested = 0
          const request = (): void => {
            const isLast = ++requested === count
            receiver.pushRecv((_error, descriptor) => {
              take(descriptor!)
              if (requested < count) request()
              if (isLast) resolve()
            })
          }
          for (let i = 0; i < 200; i++) request()
        })
      }
      isOver = true
      assert.ok(largestBurst > 1 && largestBurst <= 64, `${largestBurst} in one turn`)
      sender.destroy()
      receiver.destroy()
    })
  }
})
