import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Result } from '@anyfork/benchmarks/html-report/result'
import { afterEach, beforeEach, describe, it } from 'mocha'

const bench = fileURLToPath(new URL('./fixtures/bench.js', import.meta.url))

/** A limit into which no second round fits, however fast the machine is. */
const TOO_SHORT = '0.0001'
const LEFT_OUT = 'the median of 1 of 3 rounds; the rest did not fit into 0.0001 minutes.'

describe('npm run bench -- --minutes <number>', () => {
  let folder: string
  let file: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-test-'))
    file = join(folder, 'rows.json')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  /** Runs two benchmarks of three rounds each, whose samples read the JSON file. Returns what is printed. */
  const run = async (...args: string[]): Promise<string> =>
    (
      await promisify(execFile)(process.execPath, [bench, '--json', file, ...args], {
        env: { ...process.env, RECORDING: file },
      })
    ).stdout
  const recorded = (): { minutes: number | null; benchmarks: Result[] } => JSON.parse(readFileSync(file, 'utf8'))
  const rounds = (): unknown[] => recorded().benchmarks.map(({ rounds }) => [rounds!.done, rounds!.planned])
  const extremes = (): unknown[] =>
    recorded().benchmarks.map(({ benchmark, rows: [row] }) => [benchmark, row!['lowest'], row!['highest']])

  it('takes all rounds within 25 minutes by default, interleaved, and writes the JSON file after each', async () => {
    const output = await run()
    assert.equal(output.split('Each value is the median of 3 rounds. ').length, 3)
    assert.deepEqual(extremes(), [
      ['first', 1, 5],
      ['second', 2, 6],
    ])
    assert.equal(recorded().minutes, 25)
  })

  it('leaves out all but the first rounds if there is no time, and says so in tables, reports, and JSON', async () => {
    const report = join(folder, 'report.html')
    const output = await run('--minutes', TOO_SHORT, '--markdown', '--output', folder, '--report', report)
    assert.deepEqual(rounds(), [
      [1, 3],
      [1, 3],
    ])
    assert.equal(recorded().minutes, Number(TOO_SHORT))
    for (const [name, text] of Object.entries({
      output,
      json: readFileSync(file, 'utf8'),
      page: readFileSync(report, 'utf8').replace(/<script[^]*/, ''),
    }))
      assert.equal(text.split(LEFT_OUT).length, 3, name)
    assert.ok(readFileSync(join(folder, 'second.md'), 'utf8').includes(LEFT_OUT))
  })

  it('does not limit the time if --rounds is given without --minutes', async () => {
    await run('--rounds', '2')
    assert.equal(recorded().minutes, null)
    assert.deepEqual(rounds(), [
      [2, 2],
      [2, 2],
    ])
  })

  it('limits the time if both are given', async () => {
    await run('--rounds', '2', '--minutes', TOO_SHORT)
    assert.deepEqual(rounds(), [
      [1, 2],
      [1, 2],
    ])
  })

  for (const minutes of ['0', '-1', 'ten', 'Infinity', ''])
    it(`rejects '${minutes}' minutes`, async () =>
      await assert.rejects(run('--minutes', minutes), /expected a positive number/))
})
