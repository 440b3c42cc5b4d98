import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { dup, pipe } from '@anyfork/fdpass'
import { type Descriptor, FdPasser, socketpair } from '@anyfork/fdpasser'
import { taggedPipe, tagOf } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { floodBothWays } from './support/flood.js'
import { type Peer, startPeer } from './support/peer-process.js'

/** The full size of what takes long. */
const isSoak = process.env['ANYFORK_SOAK'] === '1'

async function firstLine({ process }: Peer): Promise<string> {
  const [line] = (await once(createInterface(process.stdout!), 'line')) as [string]
  return line
}

describe('hard cases', () => {
  let before: number
  beforeEach(() => void (before = readdirSync('/proc/self/fd').length))
  afterEach(async () => {
    // What a child process has written to is closed a little later than it ends.
    while (readdirSync('/proc/self/fd').length > before) await new Promise(setImmediate)
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })

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

  it('a peer that does not read yet gets all when it does, in order', async function () {
    const count = isSoak ? 100_000 : 20_000
    this.timeout(60_000)
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

  it('too many in flight by another process of the same user are waited out', async function () {
    this.timeout(60_000)
    const other = startPeer('keepInFlight', { shell: 'ulimit -n 64', stdout: 'lines' })
    assert.equal(await firstLine(other), 'ETOOMANYREFS')
    const peer = startPeer('floodUnprivileged', { shell: 'ulimit -n 64', stdout: 'lines' })
    const passer = new FdPasser({ fd: peer.socket })
    const { queued, cpuMilliseconds } = JSON.parse(await firstLine(peer)) as { queued: number; cpuMilliseconds: number }
    assert.equal(queued, 1000)
    assert.ok(cpuMilliseconds < 150)
    other.process.kill('SIGKILL')
    await other.exited
    for (let i = 0; i < 1000; i++) (await passer.pushRecv()).close()
    assert.deepEqual(await peer.exited, [0, null])
    passer.destroy()
    other.socket.close()
  })

  for (const batch of [1, 8]) {
    it(`a descriptor that the kernel does not pass, an io_uring, keeps back no other (batch ${batch})`, async function () {
      const ring =
        'import ctypes, os, sys; fd = ctypes.CDLL(None).syscall(425, 4, ctypes.create_string_buffer(120)); os.dup2(fd, 5) if fd >= 0 else sys.exit(77)'
      if (spawnSync('python3', ['-c', ring]).status !== 0) return this.skip()
      const peer = startPeer('sendRefused', {
        shell: `set -- python3 -c '${ring}; os.execvp(sys.argv[1], sys.argv[1:])' "$@"`,
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

  it('sent means queued: a receiver that dies before it asks closes what it was sent', async () => {
    const peer = startPeer('wait')
    let passer!: FdPasser
    const told = new Promise<Error | undefined>(onError => (passer = new FdPasser({ fd: peer.socket, onError })))
    const [readEnd, writeEnd] = pipe()
    await passer.pushSend(writeEnd)
    peer.process.kill('SIGKILL')
    assert.equal(await text(readEnd.toSocket()), '')
    assert.match(String(((await told) as NodeJS.ErrnoException | undefined)?.code), /^(undefined|ECONNRESET)$/)
    await assert.rejects(passer.pushSend(taggedPipe('late')), { code: /^(ECONNRESET|ERR_PASSER_ENDED)$/ })
    await peer.exited
  })

  it('nothing stays open after 1000 passers that were destroyed with full queues', async () => {
    for (let i = 0; i < 1000; i++) {
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

  it('callbacks may push, ask, close and destroy', async () => {
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
    // Three more come in the same message as the one whose callback ends it all.
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

  it('a callback may close the passer while more has come with it', async () => {
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

  for (const batch of [1, 32]) {
    it(`floods from both sides at once do not lock each other (batch ${batch})`, async function () {
      this.timeout(120_000)
      const count = isSoak ? 50_000 : 5000
      const peer = startPeer('floodBothWays', { args: [`${count}`, `${batch}`] })
      const passer = new FdPasser({ fd: peer.socket, batch })
      await floodBothWays(passer, count)
      await passer.close()
      assert.deepEqual(await peer.exited, [0, null])
    })
  }

  it('a socket that has a passer is refused to a second one with EEXIST, and the first goes on', async () => {
    const [one, other] = socketpair()
    const first = new FdPasser({ fd: one.fd })
    assert.throws(() => new FdPasser({ fd: one.fd }), { code: 'EEXIST' })
    assert.throws(() => new FdPasser({ fd: one }), { code: 'EEXIST' })
    assert.throws(() => new FdPasser({ fd: 0x7fffffff }), { code: 'EBADF' })
    assert.equal(one.isOpen, true)
    const peer = new FdPasser({ fd: other })
    void peer.pushSend(taggedPipe('a'))
    assert.equal(tagOf(await first.pushRecv()), 'a')
    one.release()
    await Promise.all([first.close(), peer.close()])
  })

  for (const way of ['callbacks', 'promises'] as const) {
    it(`however many come, the event loop gets its turn after each 64 (${way})`, async () => {
      const count = 5000
      const [sender, receiver] = socketpair().map(fd => new FdPasser({ fd, highWaterMark: count })) as [
        FdPasser,
        FdPasser,
      ]
      let inTurn = 0
      let most = 0
      let isOver = false
      const turn = (): void => {
        inTurn = 0
        if (!isOver) setImmediate(turn)
      }
      setImmediate(turn)
      for (let i = 0; i < count; i++) void sender.pushSend(0, { keep: true })
      const take = (descriptor: Descriptor): void => {
        descriptor.close()
        most = Math.max(most, ++inTurn)
      }
      if (way === 'promises') {
        for (let i = 0; i < count; i++) take(await receiver.pushRecv())
      } else {
        await new Promise<void>(resolve => {
          let asked = 0
          const ask = (): void => {
            const isLast = ++asked === count
            receiver.pushRecv((_error, descriptor) => {
              take(descriptor!)
              if (asked < count) ask()
              if (isLast) resolve()
            })
          }
          for (let i = 0; i < 200; i++) ask()
        })
      }
      isOver = true
      assert.ok(most > 1 && most <= 64, `${most} in one turn`)
      sender.destroy()
      receiver.destroy()
    })
  }

  it('garbage collection ends no passer that is still connected, and its end is noticed', async () => {
    const program = `
      import { FdPasser, socketpair } from '@anyfork/fdpasser'
      const [one, other] = socketpair()
      new FdPasser({ fd: one, onError: error => console.log('told', error) })
      new FdPasser().iAmParent().destroy()
      for (let i = 0; i < 10; i++) { gc(); await new Promise(setImmediate) }
      other.close()
      const keep = setInterval(() => {}, 1000)
      await new Promise(setImmediate); await new Promise(resolve => setTimeout(resolve, 50))
      clearInterval(keep)`
    const { stdout, status } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    assert.deepEqual([stdout, status], ['told undefined\n', 0])
  })

  it('a process may exit in a callback', () => {
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

  it('descriptors and memory stay where they were while receivers come and are killed', async function () {
    this.timeout(1_800_000)
    const [rounds, perRound] = isSoak ? [200, 50_000] : [6, 2000]
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
      if (killAt < 0) assert.equal(await peer.said, `${perRound}\n`)
      if (round === 1) rssAfterTwo = process.memoryUsage().rss
    }
    assert.ok(process.memoryUsage().rss - rssAfterTwo < 64 << 20)
  })
})
