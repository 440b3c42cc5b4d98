import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { forkPool, outcomeOf, useForkPool, worker } from './support/cli.js'
import { useFolder } from './support/folder.js'

describe('reports of fork-pool', () => {
  const { start } = useForkPool()
  const pathOf = useFolder()
  const reportOf = (file: string): Record<string, number> => JSON.parse(readFileSync(file, 'utf8'))

  it('--json with a file that cannot be written ends the program before it does any work', async () => {
    const { code, stdout, stderr } = await forkPool([worker, '--json', pathOf('none/report'), 'a'])
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: ENOENT.*report'\n$/)
  })

  it('--json writes counts that add up to the number of inputs', async () => {
    const report = pathOf('report')
    await forkPool([`${worker}#failOnB`, '--halt', '-w', '1', '--json', report, 'a', 'c', 'b', 'd', 'e', 'f'])
    const { inputs, done, failed, skipped, notDone, retried } = reportOf(report)
    assert.deepEqual(
      { inputs, done, failed, skipped, notDone, retried },
      { inputs: 6, done: 2, failed: 1, skipped: 0, notDone: 3, retried: 0 },
    )
  })

  it('--json counts the retries', async () => {
    const report = pathOf('report')
    await forkPool([`${worker}#exitOrEcho`, '-r', '2', '-w', '1', '--json', report, 'exit', 'a'])
    const { inputs, done, failed, retried } = reportOf(report)
    assert.deepEqual({ inputs, done, failed, retried }, { inputs: 2, done: 1, failed: 1, retried: 2 })
  })

  it('--json writes the calls and the memory of each worker', async () => {
    const report = pathOf('report')
    await forkPool([worker, '--workers', '1', '--json', report, 'a', 'b'])
    const { workers } = JSON.parse(readFileSync(report, 'utf8')) as { workers: Record<string, number>[] }
    assert.deepEqual(
      workers.map(({ calls }) => calls),
      [2],
    )
    const { pssBytes, ussBytes } = workers[0]!
    assert.ok(pssBytes! >= ussBytes! && ussBytes! > 0, `${pssBytes} ${ussBytes}`)
  })

  it('--summary prints the counts and the time at the end', async () => {
    const { stderr } = await forkPool([`${worker}#failOnB`, '--summary', 'a', 'b'])
    assert.match(stderr, /\nfork-pool: 1 done, 1 failed in \d+\.\d s\n$/)
  })

  it('--watch shows the template, the workers, and their calls', async () => {
    const file = pathOf('open')
    const child = start(`${worker}#inTurn`, '--watch', '-w', '1', '--ndjson', JSON.stringify([file, 'waits']))
    const call = `│ [ '${file.slice(0, 20)}`
    let views = ''
    child.stderr.on('data', (piece: Buffer) => (views += piece.toString()))
    await until(() => views.includes(call))
    writeFileSync(file, '')
    assert.equal((await outcomeOf(child)).stdout, '"waits"\n')
    for (const part of ['template', 'MB', '1/1 done, 0 failed']) assert.ok(views.includes(part), views)
  })
})
