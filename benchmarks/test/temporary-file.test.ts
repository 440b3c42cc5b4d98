import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { withTemporaryFile } from '@anyfork/benchmarks/harness/temporary-file'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const FILES = 40

/** Writes the files whose paths arrive as lines, again and again. */
const writer = `
  let path
  process.stdin.on('data', lines => (path = String(lines).trim().split('\\n').at(-1)))
  const write = () => {
    for (let i = 0; i < 1000 && path; i++) try { require('fs').writeFileSync(path, 'x') } catch {}
    setImmediate(write)
  }
  write()`

describe('temporary files of benchmarks', () => {
  it('a file is removed even if a process that has not ended goes on writing it', async () => {
    const child = spawn(process.execPath, ['-e', writer], { stdio: ['pipe', 'inherit', 'inherit'] })
    try {
      for (let i = 0; i < FILES; i++) {
        const folder = await withTemporaryFile(async file => {
          child.stdin.write(`${file}\n`)
          await until(() => existsSync(file))
          return dirname(file)
        })
        assert.ok(!existsSync(folder))
      }
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})
