import assert from 'node:assert/strict'
import { canCopyAllThreads } from '@anyfork/fork/internal'
import { outputOf } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'

const module = JSON.stringify(new URL('./fixtures/live-thread.js', import.meta.url))

describe('a program that is its own template, with all threads', () => {
  before(function () {
    if (!canCopyAllThreads()) this.skip()
  })

  it('has a pool whose workers each have its worker thread, also when they are recycled and the pool is reloaded', async () => {
    const stdout = await outputOf(`
      import { forkTemplate } from '@anyfork/fork/template'
      import { pool } from '@anyfork/fork-pool'
      import { connect, rpcOf } from '@anyfork/fork-rpc'
      const url = new URL(${module})
      const { ask } = await import(url)
      await ask(0)
      const template = await forkTemplate({ threads: 'all' })
      const call = pool(() => template.fork(), url, 'ask', { max: 3, load: 1, async: true, recycle: { calls: 5 } })
      const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => call(i)))
      console.log(answers.every(({ double }, i) => double === 2 * i), new Set(answers.map(({ pid }) => pid)).size >= 12)
      console.log(Math.min(...answers.map(({ asked }) => asked)), Math.max(...answers.map(({ asked }) => asked)))
      await call.reload()
      console.log((await call(1)).asked, (await call.stats()).workers.every(({ mode }) => mode === 'fork'))
      await call.close()
      const connection = connect(template.fork(), url)
      console.log((await connection.ask(21)).double)
      await rpcOf(connection).close()
      await template.close()
      console.log((await ask(1)).asked)`)
    assert.equal(stdout, 'true true\n2 6\n2 true\n42\n2\n')
  })
})
