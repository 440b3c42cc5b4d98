import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { outputOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/descriptors.js'
import { useConnections } from './support/connections.js'
import { passedPipe } from './support/passed-pipe.js'
import { untilAsleep } from './support/process-state.js'

for (const async of [false, true]) {
  describe(`a full descriptor table, with async: ${async}`, () => {
    const { fork, track } = useConnections()

    it('in the process delays calls with descriptors, and loses none', async () => {
      const remote = connect<typeof Fixture>(fork(), new URL('./fixtures/descriptors.js', import.meta.url), { async })
      const control = track(rpcOf(remote))
      assert.equal(await remote.tagOf(passedPipe('first')), 'first') // from now on, descriptors leave with their call
      limitDescriptors(control.pid!, 60)
      await remote.fillTable()
      let settled = 0
      const tags = ['a', 'b', 'c'].map(tag => [`${tag}1`, `${tag}2`])
      const calls = tags.map(each => remote.tagsOf(each.map(passedPipe)).finally(() => settled++))
      await new Promise(setImmediate) // the calls are written now
      untilAsleep(control.pid!) // it has tried to receive them
      assert.equal(settled, 0)
      limitDescriptors(control.pid!, 100)
      assert.deepEqual(await Promise.all(calls), tags)
    })

    it('in the caller delays results with descriptors, and loses none', async () => {
      const program = new URL('./fixtures/full-table.js', import.meta.url)
      assert.equal(await outputOf(program, [String(async)], { openFiles: 80 }), 'a,b,c\n')
    })
  })
}

/** Sets how many descriptors a running process may have open: the soft limit of getrlimit(2). */
function limitDescriptors(pid: number, count: number): void {
  execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${count}:`])
}
