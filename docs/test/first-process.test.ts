import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { asFirstProcess, isPermitted } from './support/first-process.js'
import { docs } from './support/markdown.js'

const worker = `
  import { execFileSync } from 'node:child_process'

  // Returns the pid of an orphan, which ends soon.
  export const orphan = () => Number(execFileSync('sh', ['-c', 'sleep 0.1 > /dev/null & echo $!']))`

const main = `
  import { readFileSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  import { connect, ForkProcess, rpcOf } from '@anyfork/fork-rpc'
  import { orphan } from './worker.js'

  const exists = pid => {
    try {
      return readFileSync('/proc/' + pid + '/stat', 'utf8') !== ''
    } catch {
      return false
    }
  }
  const own = orphan()
  const remote = connect(ForkProcess.create(), new URL('./worker.js', import.meta.url))
  const ofWorker = await remote.orphan()
  while (exists(ofWorker)) await setTimeout(10)
  console.log(process.pid, exists(own))
  await rpcOf(remote).close()`

describe('a program that is the first process of a container', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(docs, 'dist/first-process-'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'worker.js'), worker)
    writeFileSync(join(folder, 'main.js'), main)
  })
  after(() => rmSync(folder, { recursive: true }))

  const title = 'has the orphans of workers reaped, but not those of its other children'
  if (!isPermitted) it.skip(`${title} (no namespaces here)`)
  else
    it(title, async () => {
      const [file, ...args] = asFirstProcess([process.execPath, 'main.js'])
      const { code, stdout, stderr } = await runCommand(file!, args, { cwd: folder })
      assert.deepEqual([code, stdout, stderr], [0, '1 true\n', ''])
    })
})
