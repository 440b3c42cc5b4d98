import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { assertNothingLeft, childrenOf, isRunning, openResources, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'

/** A thread that owns a template, a waiting process, one that spins and one that outlives it; tells their pids. */
const program = (spin: string): string => `
  const { ForkProcess } = require('@anyfork/fork')
  const { parentPort } = require('node:worker_threads')
  const own = ForkProcess.exec()
  const created = ForkProcess.create()
  const spinning = own.fork().eval(() => { globalThis.spin = () => { for (;;); } })
  Promise.all([own.ready(), created.ready(), spinning.run('spin').then(socket => socket.toSocket())]).then(() => {
    parentPort.postMessage([own.pid, created.pid, spinning.pid])
    ${spin}
  })`

async function terminated(spin: string): Promise<number[]> {
  const thread = new Worker(program(spin), { eval: true })
  const [pids] = (await once(thread, 'message')) as [number[]]
  await thread.terminate()
  return pids
}

/** The pid of the process `own` that a thread has made, which is then terminated. */
async function leftBehind(code: string): Promise<number> {
  const thread = new Worker(
    `const { ForkProcess } = require('@anyfork/fork')
     const { parentPort } = require('node:worker_threads')
     ;(async () => { ${code}; parentPort.postMessage(own.pid) })()`,
    { eval: true },
  )
  const [pid] = (await once(thread, 'message')) as [number]
  await thread.terminate()
  return pid
}

describe('a worker thread that owns processes', () => {
  for (const [when, spin] of [
    ['while it waits', ''],
    ['in an endless loop', 'for (;;);'],
  ] as const) {
    it(`terminated ${when} takes them along, and leaves no descriptor and no zombie`, async () => {
      await terminated('') // Node keeps some descriptors of its first thread
      const before = openResources()
      for (let i = 0; i < 3; i++) {
        const pids = await terminated(spin)
        assert.equal(pids.length, 3)
        await untilGone(...pids)
      }
      await assertNothingLeft(before)
    })
  }

  for (const [what, code] of [
    ['answered', "for (let i = 0; i < 3; i++) own.fork().run('f')"],
    ['taken', "own.sendArg(Buffer.alloc(1 << 20)).sendFd(0, 1); own.fork(); own.run('f')"], // more than its socket holds
  ] as const) {
    it(`leaves no descriptor of what was not yet ${what}`, async () => {
      await terminated('')
      const before = openResources()
      const pid = await leftBehind(`const own = ForkProcess.exec(); own.kill('SIGSTOP'); ${code}`)
      await untilGone(pid)
      await assertNothingLeft(before)
    })
  }

  it('takes along what was to outlive it, but has run nothing yet', async () => {
    await terminated('')
    const before = openResources()
    const pid = await leftBehind('const own = ForkProcess.exec().outlive(); await own.ready()')
    await untilGone(pid)
    await assertNothingLeft(before)
  })

  it('leaves no zombie of what outlives it or was handed over, once the next thread comes or goes', async () => {
    await terminated('')
    const before = childrenOf(process.pid).length
    const pids = [
      await leftBehind(
        "const own = ForkProcess.exec().outlive().eval(() => { globalThis.stay = () => setInterval(() => {}, 1000) }); await own.run('stay')",
      ),
      await leftBehind('const own = ForkProcess.exec(); globalThis.socket = await own.toFd()'),
    ]
    for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL')
    await untilGone(...pids)
    await terminated('')
    assert.equal(childrenOf(process.pid).length, before)
  })

  it('leaves alone what outlives it', async () => {
    const thread = new Worker(
      `const { ForkProcess } = require('@anyfork/fork')
       const { parentPort } = require('node:worker_threads')
       const own = ForkProcess.exec().outlive().eval(() => { globalThis.stay = () => setInterval(() => {}, 1000) })
       own.run('stay').then(() => parentPort.postMessage(own.pid))`,
      { eval: true },
    )
    const [pid] = (await once(thread, 'message')) as [number]
    await thread.terminate()
    assert.ok(isRunning(pid))
    process.kill(pid, 'SIGKILL')
  })
})
