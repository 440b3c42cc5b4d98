import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { ncpu } from '@anyfork/fork-pool'
import { describe, it } from 'mocha'

const run = promisify(execFile)
const program = "import { ncpu } from '@anyfork/fork-pool'; console.log(ncpu())"
const node = [process.execPath, '--input-type=module', '-e', program] as const
const group = '/sys/fs/cgroup/cpu/anyfork-ncpu'

describe('ncpu()', () => {
  it('ncpu() is an integer from 1 to the available parallelism', () => {
    assert.ok(Number.isInteger(ncpu()) && ncpu() >= 1 && ncpu() <= availableParallelism())
  })

  it('ncpu() respects the CPU affinity', async () => {
    const [first] = /Cpus_allowed_list:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))!.slice(1)
    assert.equal((await run('taskset', ['-c', first!, ...node])).stdout, '1\n')
  })

  it('ncpu() respects the CPU quota of its control group, rounded up', async function () {
    try {
      accessSync('/sys/fs/cgroup/cpu', constants.W_OK)
      mkdirSync(group)
    } catch {
      return this.skip() // not root, or only cgroups version 2, whose groups belong to the system
    }
    try {
      const inGroup = async (quota: number): Promise<string> => {
        writeFileSync(`${group}/cpu.cfs_quota_us`, `${quota}`)
        const [file, ...args] = node
        return (await run('sh', ['-c', `echo $$ > ${group}/cgroup.procs; exec "$@"`, 'sh', file, ...args])).stdout
      }
      assert.equal(await inGroup(50_000), '1\n')
      assert.equal(await inGroup(100_000), '1\n')
      assert.equal(await inGroup(150_000), `${Math.min(2, availableParallelism())}\n`)
    } finally {
      rmdirSync(group)
    }
  })
})
