import assert from 'node:assert/strict'
import { FdPasser } from '@anyfork/fdpasser'
import { describe, it } from 'mocha'
import { checkDescriptorCount } from './support/descriptor-count.js'
import { firstLine, startPeer } from './support/peer-process.js'

describe('the limit of descriptors in flight', () => {
  checkDescriptorCount()

  it('delays sends while another process of the same user has used it up', async () => {
    const other = startPeer('keepInFlight', { shell: 'ulimit -n 64', stdout: 'lines' })
    assert.equal(await firstLine(other), 'ETOOMANYREFS')
    const peer = startPeer('floodUnprivileged', { shell: 'ulimit -n 64', stdout: 'lines' })
    const passer = new FdPasser({ fd: peer.socket })
    const { queued, turns } = JSON.parse(await firstLine(peer)) as { queued: number; turns: number }
    assert.equal(queued, 1000)
    assert.ok(turns < 200, `the event loop of the peer had ${turns} turns in a wait of 200 ms`)
    other.process.kill('SIGKILL')
    await other.exited
    for (let i = 0; i < 1000; i++) (await passer.pushRecv()).close()
    assert.deepEqual(await peer.exited, [0, null])
    passer.destroy()
    other.socket.close()
  })

  it('delays sends (ETOOMANYREFS) until the receiver takes descriptors', async () => {
    const peer = startPeer('floodUnprivileged', { shell: 'ulimit -n 64', stdout: 'lines' })
    const passer = new FdPasser({ fd: peer.socket })
    const { queued, turns } = JSON.parse(await firstLine(peer)) as { queued: number; turns: number }
    for (let i = 0; i < 1000; i++) (await passer.pushRecv()).close()
    assert.deepEqual(await peer.exited, [0, null])
    assert.ok(queued > 900, `only ${queued} sends waited: the socket was full before the limit was reached`)
    assert.ok(turns < 200, `the event loop of the peer had ${turns} turns in a wait of 200 ms`)
    passer.destroy()
  })
})
