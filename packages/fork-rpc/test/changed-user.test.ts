import assert from 'node:assert/strict'
import { outputOf } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'

const rpcModule = JSON.stringify(import.meta.resolve('@anyfork/fork-rpc'))
const source = 'export const sleep = ms => new Promise(resolve => setTimeout(resolve, ms, "slept"))'
const sleepModule = JSON.stringify(`data:text/javascript,${encodeURIComponent(source)}`)

describe('a program that has changed its user, and may not kill its processes', () => {
  before(function () {
    if (process.getuid?.() !== 0) this.skip() // only root can change its user
  })

  it('destroy() rejects with EPERM and closes the connection', async () => {
    const output = await outputOf(`
      import { ForkProcess, run } from ${rpcModule}
      const sleep = run(ForkProcess.create(), ${sleepModule}, 'sleep', { async: true })
      await sleep(0)
      const answer = sleep(300)
      process.setuid(65534)
      console.log(await sleep.destroy().catch(error => error.code))
      console.log(await sleep(0).catch(error => error.code), await answer)
      await sleep.close()
      console.log('ended')
    `)
    assert.equal(output, 'EPERM\nERR_RPC_CLOSED slept\nended\n')
  })

  it('destroy() of a process that has not started lets it end as soon as it has', async () => {
    const output = await outputOf(`
      import { ForkProcess, run } from ${rpcModule}
      const process_ = ForkProcess.create()
      await process_.ready()
      const sleep = run(process_.fork(), ${sleepModule}, 'sleep', { async: true })
      process.setuid(65534)
      const destroyed = sleep.destroy().catch(error => error.code)
      await sleep.ended
      await destroyed
      await process_.close()
      console.log('ended')
    `)
    assert.equal(output, 'ended\n')
  })

  it('destroy() ends the connection of a remote process, and what blocks there', async () => {
    const block = JSON.stringify('data:text/javascript,export const block = () => { for (;;); }')
    const output = await outputOf(`
      import { ForkProcess, run } from ${rpcModule}
      const block = run(ForkProcess.remote({ command: [process.execPath] }), ${block}, 'block')
      await block.ready()
      const answer = block()
      process.setuid(65534)
      await Promise.all([block.destroy(), answer.catch(error => console.log(error.code))])
      console.log('ended')
    `)
    assert.equal(output, 'ERR_PROCESS_EXITED\nended\n')
  })
})
