import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { FdPasser } from '@anyfork/fdpasser'
import { isSoak, taggedPipe, tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { checkDescriptorCount } from './support/descriptor-count.js'
import './spare-descriptor.test.js' // for a run of this file alone
import { type Peer, startPeer } from './support/peer-process.js'

async function firstLine({ process }: Peer): Promise<string> {
  const [line] = (await once(createInterface(process.stdout!), 'line')) as [string]
  return line
}

const FILES = 17

describe('a full descriptor table', () => {
  checkDescriptorCount()

  it('a table that stays full costs nothing, hinders no sending, and can be closed', async function () {
    const milliseconds = isSoak ? 10_000 : 1000
    this.timeout(milliseconds + 20_000)
    const peer = startPeer('neverFree', { shell: 'ulimit -n 50', args: [`${milliseconds}`], stdout: 'lines' })
    const passer = new FdPasser({ fd: peer.socket })
    await Promise.all([passer.pushSend(0, { keep: true }), passer.pushSend(0, { keep: true })])
    const line = firstLine(peer)
    for (let i = 0; i < 5; i++) (await passer.pushRecv()).close()
    const { cpuMilliseconds, asked } = JSON.parse(await line) as { cpuMilliseconds: number; asked: string[] }
    assert.ok(cpuMilliseconds < milliseconds * (isSoak ? 0.01 : 0.1), `${cpuMilliseconds} ms of CPU in ${milliseconds}`)
    assert.deepEqual(asked, ['came', 'ERR_PASSER_CLOSED']) // one came, in the slot of the sentinel
    await peer.exited
    passer.destroy()
  })

  it('descriptors that are held at random while the table is full all come in order', async function () {
    const count = isSoak ? 10_000 : 2000
    this.timeout(120_000)
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

  for (const [reservation, batch, free, asked, briefly] of [
    ['peek', 1, 1, 1, 20_000],
    ['peek', 1, 1, 64, 20_000],
    ['both', 1, 0, 1, 20_000],
    ['both', 1, 0, 64, 20_000],
    ['both', 32, 31, 64, 200_000],
  ] as const) {
    const race = isSoak ? 20_000 : briefly
    it(`of ${race} descriptors when a thread races for the last slot of the table (${reservation}, batch ${batch}, ${asked} asked for at a time)`, async function () {
      this.timeout(isSoak ? 300_000 : 120_000)
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
})
