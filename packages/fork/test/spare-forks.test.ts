import assert from 'node:assert/strict'
import { ForkProcess } from '@anyfork/fork'
import { childrenOf, isRunning, outputOf, until, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

/** Starts a template with spare forks, and waits for them. */
async function templateWithSpares(count: number): Promise<{ template: ForkProcess; pids: number[] }> {
  const template = ForkProcess.exec().require(worker)
  await template.ready()
  return { template, pids: await sparesOf(template.keepSpares(count), count) }
}

/** Waits until a template has so many children, all of them spare forks, and returns their pids. */
async function sparesOf(template: ForkProcess, count: number): Promise<number[]> {
  await until(() => template.spareCount === count && liveChildrenOf(template).length === count)
  return liveChildrenOf(template)
}

const liveChildrenOf = ({ pid }: ForkProcess): number[] => childrenOf(pid!).filter(isRunning)

describe('keepSpares()', () => {
  it('makes forks in advance, which fork() returns, and replaces them', async () => {
    const { template, pids } = await templateWithSpares(2)
    const process = template.fork()
    const { pid } = await answer<{ pid: number }>(await process.run(worker, 'identity'))
    assert.ok(pids.includes(pid))
    await process.exited
    const others = await sparesOf(template, 2)
    assert.equal(others.filter(other => pids.includes(other)).length, 1)
    await template.close()
  })

  it('sets how many there are, each time it is called', async () => {
    const { template, pids } = await templateWithSpares(3)
    const [kept] = await sparesOf(template.keepSpares(1), 1)
    assert.ok(pids.includes(kept!))
    await sparesOf(template.keepSpares(0), 0)
    assert.equal(template.spareCount, 0)
    const process = template.fork()
    await process.ready()
    assert.ok(!pids.includes(process.pid!))
    await process.close()
    await template.close()
  })

  it('replaces the forks when the template gets an order', async () => {
    const { template, pids } = await templateWithSpares(1)
    template.sendArg('late')
    await untilGone(...pids)
    await sparesOf(template, 1)
    assert.deepEqual(await answer(await template.fork().run(worker, 'describeArguments')), ['late'])
    template.sendFd(process.stdin).eval('globalThis.isNew = true')
    const socket = await template.fork().run(worker, 'describeArguments')
    assert.equal((await answer<unknown[]>(socket)).length, 2)
    await template.close()
  })

  it('a fork that was killed is not returned', async () => {
    const { template, pids } = await templateWithSpares(2)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    await untilGone(...pids)
    await until(() => template.spareCount === 0)
    const fork = template.fork()
    await fork.ready()
    assert.ok(!pids.includes(fork.pid!))
    await fork.close()
    await sparesOf(template, 2)
    await template.close()
  })

  it('close() and run() end the forks, and then nothing makes others', async () => {
    const closed = await templateWithSpares(2)
    await closed.template.close()
    assert.deepEqual(closed.pids.filter(isRunning), [])
    assert.throws(() => closed.template.keepSpares(1), { name: 'TypeError', message: 'keepSpares() after close()' })

    const running = await templateWithSpares(2)
    const socket = await running.template.run(worker, 'hold')
    await untilGone(...running.pids)
    assert.equal(running.template.spareCount, 0)
    socket.close()
    await running.template.exited
  })

  it('toFd() ends the forks, and makes them again if it fails', async () => {
    const { template, pids } = await templateWithSpares(1)
    const child = template.fork()
    await assert.rejects(template.toFd(), { name: 'TypeError' })
    await child.close()
    const [again] = await sparesOf(template, 1)
    const control = await template.toFd()
    assert.deepEqual([...pids, again!].filter(isRunning), [])
    await ForkProcess.fromFd(control).close()
  })

  it('rejects a count that is not an integer from 0', async () => {
    await using template = ForkProcess.exec()
    for (const count of [-1, 0.5, NaN, Infinity, '1', undefined])
      assert.throws(() => template.keepSpares(count as number), { name: 'TypeError', message: /count/ })
  })

  it('does not keep a program running, and the forks end with it', async () => {
    const pids = await outputOf(`
      import { ForkProcess } from ${JSON.stringify(import.meta.resolve('@anyfork/fork'))}
      import { readFileSync } from 'node:fs'
      const template = ForkProcess.exec().keepSpares(2)
      await template.ready()
      while (template.spareCount < 2) await new Promise(setImmediate)
      await template.ready()
      console.log(template.pid, readFileSync('/proc/' + template.pid + '/task/' + template.pid + '/children', 'utf8'))
    `)
    const all = pids.trim().split(/\s+/).map(Number)
    assert.equal(all.length, 3)
    await untilGone(...all)
  })

  it('ends forks that the program may no longer signal, because it has changed its user', async function () {
    if (process.getuid?.() !== 0) return this.skip() // only root can change its user
    const output = await outputOf(`
      import { ForkProcess } from ${JSON.stringify(import.meta.resolve('@anyfork/fork'))}
      import { existsSync, readFileSync } from 'node:fs'
      const template = ForkProcess.exec().keepSpares(1)
      await template.ready()
      while (template.spareCount < 1) await new Promise(setImmediate)
      await template.ready()
      const pid = Number(readFileSync('/proc/' + template.pid + '/task/' + template.pid + '/children', 'utf8'))
      process.setuid(65534)
      template.keepSpares(0)
      while (existsSync('/proc/' + pid)) await new Promise(resolve => setTimeout(resolve, 5))
      await template.close()
      console.log('ended')
    `)
    assert.equal(output, 'ended\n')
  })

  it('ends the forks of a template that was garbage-collected', async () => {
    const output = await outputOf(
      `
      import { ForkProcess } from ${JSON.stringify(import.meta.resolve('@anyfork/fork'))}
      async function start() {
        const template = ForkProcess.exec().keepSpares(2)
        await template.ready()
        while (template.spareCount < 2) await new Promise(setImmediate)
        await template.ready()
        return template.pid
      }
      const pid = await start()
      for (let isAlive = true; isAlive; ) {
        globalThis.gc()
        await new Promise(resolve => setTimeout(resolve, 5))
        try { process.kill(pid, 0) } catch { isAlive = false }
      }
      console.log('ended')
    `,
      [],
      { nodeFlags: ['--expose-gc'] },
    )
    assert.equal(output, 'ended\n')
  })
})
