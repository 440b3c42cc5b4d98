import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isSoak, resourcesAfter, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { isForking } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const ROUNDS = isSoak ? 40 : isForking ? 4 : 2

/** Returns a generator of whole numbers below a limit. The same seed yields the same numbers. */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

describe('SIGKILL at random moments', () => {
  it('killing templates and children during forks settles every promise, and leaves no descriptor and no process', async function () {
    this.timeout(600_000)
    const random = numbers(1)
    const before = await resourcesAfter(() => ForkProcess.exec().close())
    const childrenBefore = childrenOf(process.pid).length
    for (let round = 0; round < ROUNDS; round++) {
      const template = ForkProcess.exec().require(worker)
      await template.ready()
      const inner = template.fork()
      const children = Array.from({ length: 12 }, (_, i) => (i % 2 ? template : inner).fork())
      const settled = children.flatMap(child => [
        child.run(worker, 'hold').then(socket => socket.close()),
        child.exited,
      ])
      await setTimeout(random(12))
      const victims = [template, inner, ...children].filter(one => one.pid !== undefined)
      for (let i = 0; i <= random(3); i++) victims[random(victims.length)]?.kill('SIGKILL')
      if (random(2)) template.kill('SIGKILL')
      if (random(2)) inner.kill('SIGKILL')
      else void inner.close()
      void template.close()
      await Promise.allSettled(settled)
      await Promise.all([template, inner, ...children].map(one => one.exited))
      assert.equal(childrenOf(process.pid).length, childrenBefore)
    }
    await assertNothingLeft(before)
  })

  it('killing the owner during forks leaves no process', async function () {
    this.timeout(600_000)
    const random = numbers(2)
    for (let round = 0; round < Math.ceil(ROUNDS / 4); round++) {
      const owner = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/forking-storm.js', import.meta.url))], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const output = text(owner.stdout)
      await once(owner.stdout, 'readable')
      await setTimeout(random(200))
      owner.kill('SIGKILL')
      await untilGone(...(await output).trim().split('\n').map(Number))
    }
  })
})
