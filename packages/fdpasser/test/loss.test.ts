import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { FdPasser } from '@anyfork/fdpasser'
import { taggedPipe, tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { startPeer } from './support/peer-process.js'

const FILES = 17
/** The full size of what takes long. */
const isSoak = process.env['ANYFORK_SOAK'] === '1'

async function firstLine(stream: Readable): Promise<string> {
  const [line] = (await once(createInterface(stream), 'line')) as [string]
  return line
}

describe('nothing is lost', () => {
  for (const [reservation, batch, free, asked, briefly] of [
    ['peek', 1, 1, 1, 20_000],
    ['peek', 1, 1, 64, 20_000],
    ['both', 1, 0, 1, 20_000],
    ['both', 1, 0, 64, 20_000],
    ['both', 32, 31, 64, 200_000],
  ] as const) {
    const race = isSoak ? 200_000 : briefly
    it(`of ${race} descriptors when a thread races for the last slot of the table (${reservation}, batch ${batch}, ${asked} asked for at a time)`, async function () {
      this.timeout(isSoak ? 600_000 : 120_000)
      const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      const files = Array.from({ length: FILES }, (_, i) => openSync(join(folder, String(i).padStart(2, '0')), 'w'))
      const peer = startPeer('checkAtLimit', {
        shell: 'ulimit -n 100',
        args: [`${race}`, reservation, `${batch}`, `${free}`, folder, `${asked}`],
      })
      const passer = new FdPasser({ fd: peer.socket, batch })
      for (let i = 0; i < race; i++) {
        void passer.pushSend(files[i % FILES]!, { keep: true })
        if (passer.pressure >= 1) await passer.drained()
      }
      const [right, tries] = tagOf(await passer.pushRecv())
        .split(' ')
        .map(Number)
      assert.equal(right, race)
      assert.ok(tries! > 100, `the thread tried ${tries} times only: there was no race`)
      await passer.close()
      assert.deepEqual(await peer.exited, [0, null])
      for (const file of files) closeSync(file)
      rmSync(folder, { recursive: true })
    })
  }

  it('when the receiver is stopped for a while', async () => {
    const peer = startPeer('count', { stdout: 'pipe' })
    const passer = new FdPasser({ fd: peer.socket, batch: 8 })
    const sent: Promise<void>[] = []
    for (let i = 0; i < 20_000; i++) {
      if (i === 5000) peer.process.kill('SIGSTOP')
      if (i === 5000) setTimeout(() => peer.process.kill('SIGCONT'), 3000)
      sent.push(passer.pushSend(0, { keep: true }))
      if (passer.pressure >= 1) await passer.drained()
    }
    await Promise.all(sent)
    await passer.close()
    assert.equal(await peer.said, '20000\n')
  })

  it('by accident: every promise settles once when the receiver is killed, and nothing stays open', async () => {
    const before = readdirSync('/proc/self/fd').length
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
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

  it('when too many descriptors are in flight for the user (ETOOMANYREFS)', async function () {
    this.timeout(60_000)
    const peer = startPeer('floodUnprivileged', { shell: 'ulimit -n 64', stdout: 'lines' })
    const passer = new FdPasser({ fd: peer.socket })
    const { queued, cpuMilliseconds } = JSON.parse(await firstLine(peer.process.stdout!)) as {
      queued: number
      cpuMilliseconds: number
    }
    for (let i = 0; i < 1000; i++) (await passer.pushRecv()).close()
    assert.deepEqual(await peer.exited, [0, null])
    assert.ok(queued > 900, `only ${queued} were held back: it was the socket that was full`)
    assert.ok(cpuMilliseconds < 150, `it used ${cpuMilliseconds} ms of CPU in 200 ms of waiting`)
    passer.destroy()
  })
})
