import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fd } from '@anyfork/fork-rpc'
import { isRunning } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

describe('failing calls', () => {
  const start = usePools()

  it('a call that has passed a descriptor rejects with the error of its function while another waits to be sent', async () => {
    const fail = start('failWith', { max: 1 })
    const unsent = fd(0)
    const calls = [fail(fd(0)), fail(fd(0))]
    for (const call of calls) assert.equal((await reasonOf(call))?.message, 'on purpose')
    unsent.release().close()
  })

  it('a call whose worker dies is not repeated if its iterator has been read from', async () => {
    const die = start('sumThenDieOnce', { max: 1, retries: 3 })
    for (const values of [[1, 2, 3].values(), Readable.from([1, 2, 3])])
      await assert.rejects(die(values), { code: 'ERR_PROCESS_EXITED' })
  })

  it('a call is not given to a dead worker, even if calls of that worker have not rejected yet', async () => {
    const sleep = start('sleep', { max: 1, load: 4, async: true, stop: 60_000 })
    await sleep(0)
    const running = sleep(60_000)
    const { pid } = sleep.workers[0]!
    await setTimeout(5) // a worker that has answered within the last millisecond counts as alive
    process.kill(pid, 'SIGKILL')
    while (isRunning(pid)); // without a turn of the event loop
    const made = sleep(0, 'made after that')
    await assert.rejects(running, { code: 'ERR_PROCESS_EXITED' })
    assert.equal(await made, 'made after that')
  })
})
