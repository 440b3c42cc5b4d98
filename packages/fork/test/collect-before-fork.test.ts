import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { ForkProcess } from '@anyfork/fork'
import { isSoak } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { isForking } from './support/mode.js'

const children = isSoak ? 400 : isForking ? 20 : 5

/** A child that waits for a lock which was held when it was forked waits for ever. */
describe('children that collect garbage at once', () => {
  const burners: ChildProcess[] = []

  before(() => {
    for (let i = 0; i < availableParallelism(); i++) burners.push(spawn('sh', ['-c', 'while :; do :; done']))
  })
  after(() => {
    for (const burner of burners) burner.kill('SIGKILL')
  })

  it(`end, ${children} of a template that collects before each fork, where others want the processors`, async function () {
    this.timeout(600_000)
    await using template = ForkProcess.exec({ execArgv: ['--expose-gc'] }).eval(() => {
      const { gc } = globalThis as unknown as { gc(): void }
      Object.assign(globalThis, { collect: (socket: { close(): void }) => (gc(), socket.close()) })
    })
    let left = children
    const lane = async (): Promise<void> => {
      while (left-- > 0) {
        template.eval('undefined') // what was loaded is tidied up before the next fork
        const child = template.fork()
        ;(await child.run('collect')).close()
        assert.deepEqual(await child.exited, { code: 0, signal: null })
      }
    }
    await Promise.all(Array.from({ length: 4 }, lane))
  })
})
