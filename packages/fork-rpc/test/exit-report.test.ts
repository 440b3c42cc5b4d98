import assert from 'node:assert/strict'
import { ForkProcess, type ProcessExitedError, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { after, before, describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

type Reported = ProcessExitedError & { cause?: Error & { code?: unknown } }

const NEVER = /exited with code 0: its event loop ran empty while it awaited the promise of a function/

describe('the report of an exit', () => {
  let silent: ForkProcess // does not print the errors
  before(async () => {
    silent = preload(ForkProcess.exec({ stdio: ['ignore', 'ignore', 'ignore'] })).require(worker)
    await run(silent.fork(), worker, 'nothing').close()
  })
  after(() => silent.close())
  const { track } = useConnections()
  const start = (name: string, options: RpcOptions): Rpc => track(run(silent.fork(), worker, name, options))

  async function failureOf(how: string, options: RpcOptions = {}): Promise<Reported> {
    const endBy = start('endBy', { onError: () => {}, ...options })
    const [reason, other] = await Promise.all([endBy(how), endBy(how)].map(call => call.catch(error => error)))
    assert.equal((reason as Reported).code, 'ERR_PROCESS_EXITED')
    assert.equal((other as Reported).cause, (reason as Reported).cause)
    return reason as Reported
  }

  for (const async of [false, true]) {
    const kind = async ? ' of an async process' : ''

    for (const how of ['unhandled rejection', 'timer', 'thrown text', 'listener that exits'])
      it(`the calls${kind} have the error as their cause after: ${how}`, async () => {
        const { cause, exitCode } = await failureOf(how, { async })
        assert.equal(exitCode, how === 'listener that exits' ? 4 : 1)
        assert.match(cause!.message, /the real reason/)
        assert.equal(cause instanceof RangeError, how !== 'thrown text')
        if (how !== 'thrown text') assert.match(cause!.stack!, /fixtures.worker\.js/)
      })

    it(`the cause${kind} has the code and the cause of the error`, async () => {
      const { cause } = await failureOf('timer', { async })
      assert.deepEqual([cause?.code, cause?.cause], ['E_MINE', 'its cause'])
    })

    it(`an error${kind} that a listener has handled is not the cause of a later exit`, async () => {
      const { cause, exitCode, message } = await failureOf('handled, then exit', { async })
      assert.deepEqual([cause, exitCode], [undefined, 3])
      assert.match(message, /exited with code 3$/)
    })

    it(`an error${kind} that is too large is cut`, async () => {
      const { cause } = await failureOf('large', { async })
      assert.equal(cause!.message, 'large')
      assert.ok((cause as Error & { data: string }).data.length < 1e5)
    })

    it(`the message${kind} reports that the promise of init never settles`, async () => {
      const add = start('add', { async, init: 'initNever', onError: () => {} })
      await assert.rejects(add(1, 2), { code: 'ERR_PROCESS_EXITED', message: NEVER })
    })
  }

  it('the message reports that the promise of the function never settles', async () => {
    assert.match((await failureOf('never')).message, NEVER)
  })

  it('onError gets an uncaught error of an idle process as the cause', async () => {
    const errors: Reported[] = []
    const throwSoon = start('throwSoon', { async: true, onError: error => errors.push(error as Reported) })
    await throwSoon()
    await throwSoon.ended
    assert.deepEqual(
      errors.map(({ cause }) => cause?.message),
      ['the real reason'],
    )
  })

  it('the message does not report an empty event loop if a listener of beforeExit has found more work', async () => {
    assert.match((await failureOf('beforeExit, then exit')).message, /exited with code 3$/)
  })
})
