import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  assertNothingLeft,
  childrenOf,
  isRunning,
  isSoak,
  openResources,
  outputOf,
  untilGone,
} from '@anyfork/test-support'
import { before, describe, it } from 'mocha'

/** How often a thread is terminated in the middle of a step. */
const ROUNDS = isSoak ? 10 : 2

/** Returns the program of a thread that owns a template, a waiting process, and a spinning one. It sends their pids. */
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

/** Runs code in a thread, which is then terminated. Returns the pid of the process `own` that the code has made. */
async function pidOfTerminated(code: string): Promise<number> {
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

/** Runs a step in a thread over and over, and terminates it in the middle of one. */
async function terminatedAfter(preparation: string, step: string, steps: number): Promise<void> {
  const thread = new Worker(
    `const { ForkProcess } = require('@anyfork/fork')
     const { parentPort } = require('node:worker_threads')
     ;(async () => { ${preparation}; for (;;) { parentPort.postMessage(0); ${step} } })()`,
    { eval: true },
  )
  let count = 0
  await new Promise<void>(resolve => thread.on('message', () => ++count === steps && resolve()))
  await thread.terminate()
}

describe('a worker thread that owns processes', () => {
  before(() => pidOfTerminated('const own = ForkProcess.exec(); await own.ready()')) // Node keeps some descriptors of the first thread

  for (const [when, spin] of [
    ['while it waits', ''],
    ['in an endless loop', 'for (;;);'],
  ] as const) {
    it(`a thread terminated ${when} ends its processes, and leaves no descriptor and no zombie`, async () => {
      const before = openResources()
      const pids = await terminated(spin)
      assert.equal(pids.length, 3)
      await untilGone(...pids)
      await assertNothingLeft(before)
    })
  }

  for (const [what, preparation, step] of [
    ['it starts interpreters', '', "await ForkProcess.exec({ mode: 'fork', execPath: '/bin/true' }).exited"],
    [
      'it forks a template',
      'const template = ForkProcess.exec(); await template.ready()',
      "const fork = template.fork(); await fork.ready(); fork.kill('SIGKILL'); await fork.exited",
    ],
  ] as const) {
    it(`a thread terminated while ${what} leaves no descriptor, no process, and no zombie`, async () => {
      const before = openResources()
      for (let round = 1; round <= ROUNDS; round++) await terminatedAfter(preparation, step, round)
      await assertNothingLeft(before)
    })
  }

  it('threads terminated at the same time end their processes, and leave no descriptor and no zombie', async () => {
    const twoTerminated = (): Promise<number[][]> => Promise.all(['', ''].map(terminated))
    await Promise.all(['', ''].map(code => once(new Worker(code, { eval: true }), 'exit'))) // Node keeps some of their descriptors
    const before = openResources()
    const pids = (await twoTerminated()).flat()
    assert.equal(pids.length, 6)
    await untilGone(...pids)
    await assertNothingLeft(before)
  })

  for (const [which, code] of [
    ['unanswered', "for (let i = 0; i < 3; i++) own.fork().run('f')"],
    ['unsent', "own.sendArg(Buffer.alloc(1 << 20)).sendFd(0, 1); own.fork(); own.run('f')"], // larger than the socket buffer
  ] as const) {
    it(`a terminated thread leaves no descriptor of ${which} orders`, async () => {
      const before = openResources()
      const pid = await pidOfTerminated(`const own = ForkProcess.exec(); own.kill('SIGSTOP'); ${code}`)
      await untilGone(pid)
      await assertNothingLeft(before)
    })
  }

  it('a terminated thread ends a process that outlive() was called for but that has not run a function', async () => {
    const before = openResources()
    const pid = await pidOfTerminated('const own = ForkProcess.exec().outlive(); await own.ready()')
    await untilGone(pid)
    await assertNothingLeft(before)
  })

  it('zombies of processes that outlived a thread or were handed over are reaped when another thread starts or ends', async () => {
    const before = childrenOf(process.pid).length
    const pids = [
      await pidOfTerminated(
        "const own = ForkProcess.exec().outlive().eval(() => { globalThis.stay = () => setInterval(() => {}, 1000) }); await own.run('stay')",
      ),
      await pidOfTerminated('const own = ForkProcess.exec(); globalThis.socket = await own.toFd()'),
    ]
    for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL')
    await untilGone(...pids)
    await pidOfTerminated('const own = ForkProcess.exec()')
    assert.equal(childrenOf(process.pid).length, before)
  })

  it('a zombie of a process that outlived a thread is reaped by another thread if the main thread does not load the package', async () => {
    const isLeft = await outputOf(`
      import { once } from 'node:events'
      import { existsSync, readFileSync } from 'node:fs'
      import { Worker } from 'node:worker_threads'
      async function pidOfTerminated(code) {
        const load = "const { ForkProcess } = require('@anyfork/fork'); const { parentPort } = require('node:worker_threads');"
        const thread = new Worker(load + code, { eval: true, execArgv: [] })
        const [pid] = await once(thread, 'message')
        await thread.terminate()
        return pid
      }
      const pid = await pidOfTerminated(\`
        const own = ForkProcess.exec().outlive().eval(() => { globalThis.stay = () => setInterval(() => {}, 1000) })
        own.run('stay').then(() => parentPort.postMessage(own.pid))\`)
      process.kill(pid, 'SIGKILL')
      while (!/^State:\\s+Z/m.test(readFileSync('/proc/' + pid + '/status', 'utf8')));
      await pidOfTerminated('const own = ForkProcess.exec(); own.ready().then(() => parentPort.postMessage(own.pid))')
      console.log(existsSync('/proc/' + pid))`)
    assert.equal(isLeft, 'false\n')
  })

  it('a process that outlives its thread keeps running', async () => {
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
