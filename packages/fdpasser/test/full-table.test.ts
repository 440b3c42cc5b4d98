import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FdPasser } from '@anyfork/fdpasser'
import { isSoak, taggedPipe, tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { checkDescriptorCount } from './support/descriptor-count.js'
import { firstLine, startPeer } from './support/peer-process.js'

const FILES = 17

describe('a full descriptor table', () => {
  checkDescriptorCount()

  it('does not keep the processor busy, and lets the passer send and close', async function () {
    const milliseconds = isSoak ? 10_000 : 500
    this.timeout(milliseconds + 20_000)
    const peer = startPeer('keepTableFull', { shell: 'ulimit -n 50', args: [`${milliseconds}`], stdout: 'lines' })
    const passer = new FdPasser({ fd: peer.socket })
    await Promise.all([passer.pushSend(0, { keep: true }), passer.pushSend(0, { keep: true })])
    const line = firstLine(peer)
    for (let i = 0; i < 5; i++) (await passer.pushRecv()).close()
    const { turns, outcomes } = JSON.parse(await line) as { turns: number; outcomes: string[] }
    assert.ok(turns < milliseconds, `the event loop had ${turns} turns in ${milliseconds} ms`)
    assert.deepEqual(outcomes, ['received', 'ERR_PASSER_CLOSED']) // the slot of the sentinel was free for the first one
    await peer.exited
    passer.destroy()
  })

  it('does not change the order of descriptors that the receiver releases at random', async () => {
    const count = isSoak ? 10_000 : 500
    const peer = startPeer('holdAtRandom', { shell: 'ulimit -n 40', args: [`${count}`] })
    const passer = new FdPasser({ fd: peer.socket })
    for (let i = 0; i < count; i++) {
      void passer.pushSend(taggedPipe(`${i}`))
      if (passer.pressure >= 1) await passer.drained()
    }
    assert.equal(tagOf(await passer.pushRecv()), `-1 ${count}`)
    await passer.close()
    await peer.exited
  })

  const count = isSoak ? 20_000 : 500
  for (const [reservation, batch, free, requests] of [
    ['peek', 1, 1, 1],
    ['peek', 1, 1, 64],
    ['both', 1, 0, 1],
    ['both', 1, 0, 64],
    ['both', 32, 31, 64],
  ] as const) {
    it(`loses none of ${count} or more descriptors while a thread takes free slots (${reservation}, batch ${batch}, ${requests} requests at a time)`, async function () {
      this.timeout(isSoak ? 300_000 : 240_000)
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const files = Array.from({ length: FILES }, (_, i) => openSync(join(folder, String(i).padStart(2, '0')), 'w'))
      const peer = startPeer('checkAtLimit', {
        shell: 'ulimit -n 100',
        args: [`${count}`, reservation, `${batch}`, `${free}`, folder, `${requests}`],
        stdout: 'lines',
      })
      const line = firstLine(peer)
      const passer = new FdPasser({ fd: peer.socket, batch })
      let isEnough = false
      const answered = passer.pushRecv().then(descriptor => {
        descriptor.close()
        isEnough = true
      })
      let sent = 0
      for (; !isEnough; sent++) {
        void passer.pushSend(files[sent % FILES]!, { keep: true })
        if (passer.pressure >= 1) await passer.drained()
      }
      await answered
      await passer.close()
      assert.deepEqual(JSON.parse(await line), { received: sent, matches: sent, code: 'ERR_PASSER_ENDED' })
      assert.deepEqual(await peer.exited, [0, null])
      for (const file of files) closeSync(file)
      rmSync(folder, { recursive: true })
    })
  }
})
