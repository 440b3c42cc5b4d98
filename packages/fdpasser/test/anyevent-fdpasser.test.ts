import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { dup, isNonblocking, pipe, setNonblocking } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { accept, FdPasser, server, socketpair } from '@anyfork/fdpasser'
import { taggedPipe, tagOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { startPeer, untilStopped } from './support/peer-process.js'

async function exchange(passer: FdPasser): Promise<void> {
  const [readEnd, writeEnd] = pipe()
  await passer.pushSend(writeEnd)
  assert.equal(await text(readEnd.toSocket()), 'some data 1')
  const received = await passer.pushRecv()
  assert.equal(await text(received.toSocket()), 'some data 2')
  await passer.close()
}

describe('AnyEvent::FDpasser', () => {
  it('basic_socketpair: passes descriptors both ways between two processes', async () => {
    const peer = startPeer('exchange')
    await exchange(new FdPasser({ fd: peer.socket }))
    assert.deepEqual(await peer.exited, [0, null])
  })

  it('basic_filesystem: passes descriptors both ways through a socket with a path', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const path = join(folder, 'socket')
    const listener = server(path)
    const peer = startPeer('exchangeThroughPath', { args: [path] })
    await exchange(new FdPasser({ fd: await accept(listener) }))
    assert.deepEqual(await peer.exited, [0, null])
    listener.close()
    peer.socket.close()
    rmSync(folder, { recursive: true })
  })

  it('recv_before_send: does not block the event loop while it waits for a descriptor', async () => {
    const peer = startPeer('sendLater')
    const passer = new FdPasser({ fd: peer.socket })
    const order: string[] = []
    const receiving = passer.pushRecv().then(received => order.push(tagOf(received)))
    await setTimeout(5)
    order.push('timer')
    await passer.pushSend(taggedPipe('the peer may send'))
    await receiving
    assert.deepEqual(order, ['timer', 'hooray'])
    await passer.close()
  })

  it('send_before_recv: sends a descriptor without waiting for the receiver', async () => {
    const peer = startPeer('receiveOne')
    await untilStopped(peer)
    const passer = new FdPasser({ fd: peer.socket })
    const [readEnd, writeEnd] = pipe()
    await passer.pushSend(writeEnd)
    peer.process.kill('SIGCONT')
    assert.equal(await text(readEnd.toSocket()), 'hooray')
    await passer.close()
  })

  it('buffer_exercise: keeps the order of queues that have different lengths on both sides', async () => {
    const peer = startPeer('sendFive')
    const passer = new FdPasser({ fd: peer.socket })
    const tags = [passer.pushRecv(), passer.pushRecv()]
    await setTimeout(150)
    tags.push(passer.pushRecv(), passer.pushRecv())
    assert.deepEqual((await Promise.all(tags)).map(tagOf), ['1', '2', '3', '4'])
    await passer.pushSend(taggedPipe('enough'))
    assert.deepEqual(await peer.exited, [0, null])
    await passer.close()
  })

  it('non_blocking_fhs: keeps the O_NONBLOCK flag of passed descriptors', async () => {
    const [left, right] = socketpair()
    assert.equal(isNonblocking(left), false)
    setNonblocking(left, true)
    assert.equal(isNonblocking(left), true)
    setNonblocking(left, false)
    assert.equal(isNonblocking(left), false)
    const [from, to] = [new FdPasser({ fd: left }), new FdPasser({ fd: right })]
    for (const on of [false, true]) {
      const [readEnd, writeEnd] = pipe()
      setNonblocking(readEnd, on)
      await from.pushSend(readEnd)
      const received = await to.pushRecv()
      assert.equal(isNonblocking(received), on)
      received.close()
      writeEnd.close()
    }
    await Promise.all([from.close(), to.close()])
  })

  it('send_passer_over_passer: passes descriptors over a socket that was itself passed', async () => {
    const peer = startPeer('overReceivedPasser')
    const passer = new FdPasser({ fd: peer.socket })
    const [left, right] = socketpair()
    await passer.pushSend(right)
    const inner = new FdPasser({ fd: left })
    assert.equal(tagOf(await inner.pushRecv()), 'hooray')
    await Promise.all([inner.close(), passer.close()])
    assert.deepEqual(await peer.exited, [0, null])
  })

  for (const reservation of ['sentinel', 'peek', 'both'] as const) {
    it(`full_descriptor_table: loses no descriptor when the table of the receiver is full (${reservation})`, async function () {
      if (reservation === 'peek' && !isLinux) return this.skip()
      const peer = startPeer('hoard', { shell: 'ulimit -n 40', args: ['90', reservation] })
      const passer = new FdPasser({ fd: peer.socket })
      const tags = Array.from({ length: 90 }, (_, i) => `${i}`)
      for (const tag of tags) void passer.pushSend(taggedPipe(tag))
      assert.equal(tagOf(await passer.pushRecv()), tags.join(' '))
      await passer.close()
      assert.deepEqual(await peer.exited, [0, null])
    })
  }

  it('child_dies: rejects pushRecv() with ERR_PASSER_ENDED, and calls onError without an error', async () => {
    const peer = startPeer('die')
    const errors: unknown[] = []
    const passer = new FdPasser({ fd: peer.socket, onError: error => errors.push(error) })
    await assert.rejects(passer.pushRecv(), { code: 'ERR_PASSER_ENDED' })
    assert.deepEqual(errors, [undefined])
  })

  it('i_am_parent, i_am_child: choose one end of a socket pair, once and before its first use', async () => {
    const ends = socketpair()
    const copies = ends.map(end => dup(end))
    const parent = new FdPasser({ fd: ends })
    const child = new FdPasser({ fd: [copies[0]!, copies[1]!] })
    assert.throws(() => parent.pushRecv(), TypeError)
    parent.iAmParent()
    child.iAmChild()
    assert.throws(() => parent.iAmChild(), TypeError)
    await parent.pushSend(taggedPipe('chosen'))
    assert.equal(tagOf(await child.pushRecv()), 'chosen')
    await Promise.all([parent.close(), child.close()])
  })
})
