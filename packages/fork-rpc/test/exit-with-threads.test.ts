import assert from 'node:assert/strict'
import { canCopyAllThreads } from '@anyfork/fork/internal'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { before, describe, it } from 'mocha'
import type * as Fixture from './fixtures/exit-matrix.js'
import { useConnections } from './support/connections.js'

const module = new URL('./fixtures/exit-matrix.js', import.meta.url)
const PROCESSES = 20
/** V8 must collect garbage when it has received such values. */
const LARGE = Buffer.alloc(64 << 20)

describe('the end of a process that has all threads of its template', () => {
  const { startTemplate, track } = useConnections()
  before(function () {
    if (!canCopyAllThreads()) this.skip()
  })

  for (const end of ['exits', 'throws'] as const)
    it(`a process that ${end} ends although V8 compiles in other threads`, async () => {
      const template = startTemplate({ mode: 'fork', threads: 'all' })
      for (let count = 0; count < PROCESSES; count++) {
        const remote = connect<typeof Fixture>(template.fork(), module, { async: true, onError: () => {} })
        const { ended } = track(rpcOf(remote))
        await remote.dieSoon(end)
        await Promise.allSettled(Array.from({ length: 4 }, () => remote.length(LARGE)))
        assert.deepEqual(await ended, { code: end === 'exits' ? 7 : 1, signal: null })
      }
    })
})
