import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isSoak, resourcesAfter } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const web = new URL('./fixtures/express-app.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)
const children = isSoak ? 1000 : 20
const AT_ONCE = 50

/** Sends an HTTP/1.1 request over a socket, which stays open. */
async function ask(socket: Socket): Promise<{ pid: number }> {
  socket.write('GET /pid HTTP/1.1\r\nHost: localhost\r\n\r\n')
  let text = ''
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    text += String(piece)
    const [, body] = /\r\n\r\n(\{.*\})/s.exec(text) ?? []
    if (body) return JSON.parse(body) as { pid: number }
  }
  throw new Error(`no answer: ${text}`)
}

/** Calls a function for each item, `AT_ONCE` of them at a time. */
async function each<T>(items: readonly T[], act: (item: T, i: number) => Promise<void>): Promise<void> {
  const queue = [...items.entries()].reverse()
  const work = async (): Promise<void> => {
    for (let next = queue.pop(); next; next = queue.pop()) await act(next[1], next[0])
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

describe('live children', () => {
  it(`${children} children with express loaded live at once, answer requests, and end without leftovers`, async function () {
    this.timeout(600_000)
    const before = await resourcesAfter(async () => {
      const first = ForkProcess.exec()
      ;(await first.run(worker, 'hold')).toSocket().destroy()
      await first.exited
    })
    const template = ForkProcess.exec().require(web).warm(web, 'rehearse', [], 20)
    await template.ready()
    const processes: ForkProcess[] = []
    const sockets: Socket[] = []
    const times = [performance.now()]
    await each(Array.from({ length: children }), async () => {
      const child = template.fork()
      sockets.push((await child.run(web, 'serve')).toSocket())
      processes.push(child)
    })
    times.push(performance.now())
    assert.equal(childrenOf(template.pid!).length, children)
    await each(sockets, async (socket, i) => assert.deepEqual(await ask(socket), { pid: processes[i]!.pid }))
    times.push(performance.now())
    const { pss, uss } = await processes[children >> 1]!.memory()
    for (const socket of sockets) socket.destroy()
    for (const { exited } of processes) assert.deepEqual(await exited, { code: 0, signal: null })
    times.push(performance.now())
    await template.close()
    await assertNothingLeft(before)
    const [start, speak, stop] = times.slice(1).map((time, i) => ((time - times[i]!) / children).toFixed(2))
    if (!isSoak) return
    console.log(
      `      each: started in ${start} ms, answered in ${speak} ms, stopped in ${stop} ms; private memory ${(uss / 2 ** 20).toFixed(1)} MiB, proportional memory ${(pss / 2 ** 20).toFixed(1)} MiB`,
    )
  })
})

describe('idle children', () => {
  it('a child that has been idle for 16 s still shares its memory: V8 does not compact its heap after 8 s', async function () {
    if (!isSoak) return this.skip()
    const template = ForkProcess.exec().require(web).warm(web, 'rehearse', [], 20)
    const child = template.fork()
    const socket = (await child.run(web, 'serve')).toSocket()
    await ask(socket)
    await setTimeout(1000)
    const { uss: before } = await child.memory()
    await setTimeout(16_000)
    const { uss: after } = await child.memory()
    assert.ok(after < 1.5 * before, `${before} bytes have become ${after}`)
    socket.destroy()
    await child.exited
    await template.close()
  })
})
