import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { isBusy, outcomeOf, program, useForkPool, worker } from './support/fork-pool.js'

describe('fork-pool', () => {
  const { start } = useForkPool()

  it('stops making a call again at SIGINT', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const file = join(folder, 'file')
    const child = start(`${worker}#succeedAt`, '--ndjson', '-r', '1000000000', JSON.stringify([file, 1e9]))
    await until(() => existsSync(file))
    child.kill('SIGINT')
    const { code, stderr } = await outcomeOf(child)
    assert.equal(code, 130)
    assert.match(stderr, /not yet\n$/)
    rmSync(folder, { recursive: true })
  })

  it('names what was not done, and writes its report, where SIGINT comes while the module is loaded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const [module, report, begun] = [join(folder, 'never.mjs'), join(folder, 'report'), join(folder, 'begun')] as const
    writeFileSync(
      module,
      `(await import('node:fs')).writeFileSync(${JSON.stringify(begun)}, ''); await new Promise(resolve => setTimeout(resolve, 1e8)); export default () => 1`,
    )
    const child = start(module, '--json', report, 'a', 'b')
    await until(() => existsSync(begun))
    child.kill('SIGINT')
    const { code, stderr } = await outcomeOf(child)
    assert.deepEqual({ code, stderr }, { code: 130, stderr: 'fork-pool: not done: a\nfork-pool: not done: b\n' })
    const { inputs, notDone, done } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>
    assert.deepEqual({ inputs, notDone, done }, { inputs: 2, notDone: 2, done: 0 })
    rmSync(folder, { recursive: true })
  })

  it('does or names every input at SIGINT, also when results wait for an earlier one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const names = Array.from({ length: 60 }, (_, i) => join(folder, `${i}`))
    const inputs = [...names.map((name, i) => JSON.stringify([name, i ? 'writes' : 'waits'])), '{']
    const child = start(`${worker}#inTurn`, '--ndjson', '-w', '2', '--json', join(folder, 'report'), ...inputs)
    const outcome = outcomeOf(child)
    await until(() => existsSync(names[31]!)) // and no more are begun until the first has ended
    child.kill('SIGINT')
    writeFileSync(names[0]!, '')
    const { code, stdout, stderr } = await outcome
    const done = stdout.trim().split('\n').length
    const report = JSON.parse(readFileSync(join(folder, 'report'), 'utf8'))
    rmSync(folder, { recursive: true })
    assert.equal(code, 130)
    assert.equal(
      stderr,
      inputs
        .slice(done)
        .map(input => `fork-pool: not done: ${input}\n`)
        .join(''),
    )
    assert.deepEqual([report.done, report.notDone], [done, inputs.length - done])
  })

  it('ends at the second SIGINT, workers included', async () => {
    const child = spawn(process.execPath, [program, `${worker}#doAs`, '-w', '1', 'loop', 'a'], { detached: true })
    const closed = once(child, 'close')
    let stderr = ''
    child.stderr.on('data', piece => (stderr += piece))
    while (!isBusy(child.pid!)) await new Promise(resolve => setTimeout(resolve, 5))
    for (let tries = 0; !stderr && tries < 100; tries++) {
      child.kill('SIGINT') // two that come at once are one
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    const [code] = await closed
    assert.equal(code, 130)
    assert.equal(stderr, 'fork-pool: not done: loop\nfork-pool: not done: a\n')
  })
})
