import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { forkPool, worker } from './support/fork-pool.js'

describe('fork-pool', () => {
  it('does no work where the report cannot be written', async () => {
    const { code, stdout, stderr } = await forkPool([worker, '--json', '/no/such/folder/report', 'a'])
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: ENOENT.*report'\n$/)
  })

  it('writes counts that add up with --json', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const report = join(folder, 'report')
    const counts = (): unknown => {
      const { inputs, done, failed, skipped, notDone, retried } = JSON.parse(readFileSync(report, 'utf8')) as Record<
        string,
        number
      >
      return { inputs, done, failed, skipped, notDone, retried }
    }
    await forkPool([`${worker}#failOnB`, '--halt', '-w', '1', '--json', report, 'a', 'c', 'b', 'd', 'e', 'f'])
    assert.deepEqual(counts(), { inputs: 6, done: 2, failed: 1, skipped: 0, notDone: 3, retried: 0 })
    await forkPool([`${worker}#exitOrEcho`, '-r', '2', '-w', '1', '--json', report, 'exit', 'a'])
    assert.deepEqual(counts(), { inputs: 2, done: 1, failed: 1, skipped: 0, notDone: 0, retried: 2 })
    rmSync(folder, { recursive: true })
  })

  it('says what was done with --summary', async () => {
    const { stderr } = await forkPool([`${worker}#failOnB`, '--summary', 'a', 'b'])
    assert.match(stderr, /\nfork-pool: 1 done, 1 failed in \d+\.\d s\n$/)
  })

  it('shows the workers with --watch', async () => {
    const { stdout, stderr } = await forkPool([`${worker}#sleepAndSay`, '--watch', '-w', '2', '500', '501'])
    assert.equal(stdout, '500\n501\n')
    for (const part of [/template/, /busy/, /│ 500 /, /MB/, /2\/2 done, 0 failed/]) assert.match(stderr, part)
  })

  it('writes a report of its workers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const file = join(folder, 'report.json')
    await forkPool([worker, '--workers', '1', '--json', file, 'a', 'b'])
    const report = JSON.parse(readFileSync(file, 'utf8'))
    rmSync(folder, { recursive: true })
    assert.equal(report.inputs, 2)
    assert.equal(report.failed, 0)
    assert.equal(report.workers.length, 1)
    assert.equal(report.workers[0].calls, 2)
    assert.ok(report.workers[0].pssBytes > report.workers[0].ussBytes)
  })
})
