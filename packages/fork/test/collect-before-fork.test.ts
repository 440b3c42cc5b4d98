import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { ForkProcess } from '@anyfork/fork'
import { isSoak } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'

const children = isSoak ? 150 : 5

// A child that needs a lock which another thread held at the time of the fork would wait forever.
describe('garbage collection in children', () => {
  const burners: ChildProcess[] = []

  before(() => {
    const script = 'while kill -0 $PPID; do :; done' // ends with this program, which may be killed before after() runs
    for (let i = 0; i < availableParallelism(); i++) burners.push(spawn('sh', ['-c', script], { stdio: 'ignore' }))
  })
  after(() => {
    for (const burner of burners) burner.kill('SIGKILL')
  })

  it(`${children} children collect garbage and end while all processors are busy and the template collects before each fork`, async function () {
    this.timeout(600_000)
    await using template = ForkProcess.exec({ execArgv: ['--expose-gc'] }).eval(() => {
      const { gc } = globalThis as unknown as { gc(): void }
      Object.assign(globalThis, { collect: (socket: { close(): void }) => (gc(), socket.close()) })
    })
    let remaining = children
    const lane = async (): Promise<void> => {
      while (remaining-- > 0) {
        template.eval('undefined') // makes the template collect garbage before the next fork
        const child = template.fork()
        ;(await child.run('collect')).close()
        assert.deepEqual(await child.exited, { code: 0, signal: null })
      }
    }
    await Promise.all(Array.from({ length: 4 }, lane))
  })
})
