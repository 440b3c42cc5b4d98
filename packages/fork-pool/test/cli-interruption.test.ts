import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { childrenOf, until, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { interruptTwice, outcomeOf, useForkPool, worker } from './support/cli.js'
import { useFolder } from './support/folder.js'

describe('interruption of fork-pool', () => {
  const { start } = useForkPool()
  const pathOf = useFolder()

  it('SIGINT ends the retries of a failing call', async () => {
    const file = pathOf('attempts')
    const child = start(`${worker}#succeedAt`, '--ndjson', '-r', '1000000000', JSON.stringify([file, 1e9]))
    const outcome = outcomeOf(child)
    await until(() => existsSync(file))
    child.kill('SIGINT')
    const { code, stderr } = await outcome
    assert.equal(code, 130)
    assert.match(stderr, /not yet\n$/)
  })

  it('SIGINT while the module loads lists all inputs as not done and writes the report', async () => {
    const [module, report, begun] = ['never.mjs', 'report', 'begun'].map(pathOf) as [string, string, string]
    writeFileSync(
      module,
      `(await import('node:fs')).writeFileSync(${JSON.stringify(begun)}, ''); await new Promise(resolve => setTimeout(resolve, 1e8)); export default () => 1`,
    )
    const child = start(module, '--json', report, 'a', 'b')
    const outcome = outcomeOf(child)
    await until(() => existsSync(begun))
    child.kill('SIGINT')
    const { code, stderr } = await outcome
    assert.deepEqual({ code, stderr }, { code: 130, stderr: 'fork-pool: not done: a\nfork-pool: not done: b\n' })
    const { inputs, notDone, done } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>
    assert.deepEqual({ inputs, notDone, done }, { inputs: 2, notDone: 2, done: 0 })
  })

  it('SIGINT lets each input be done or be listed, even if its result waits for an earlier one', async () => {
    const names = Array.from({ length: 60 }, (_, i) => pathOf(`${i}`))
    const inputs = [...names.map((name, i) => JSON.stringify([name, i ? 'writes' : 'waits'])), '{']
    const child = start(`${worker}#inTurn`, '--ndjson', '-w', '2', '--json', pathOf('report'), ...inputs)
    const outcome = outcomeOf(child)
    await until(() => existsSync(names[31]!)) // no more begin until the first has ended
    child.kill('SIGINT')
    writeFileSync(names[0]!, '')
    const { code, stdout, stderr } = await outcome
    const done = stdout.trim().split('\n').length
    const report = JSON.parse(readFileSync(pathOf('report'), 'utf8'))
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

  it('a SIGINT that npm passes on as well is no second one', async () => {
    const [begun, open] = [pathOf('begun'), pathOf('open')]
    const child = start(`${worker}#beginThenWait`, '--ndjson', '-w', '1', JSON.stringify([begun, open]))
    const outcome = outcomeOf(child)
    await until(() => existsSync(begun))
    await interruptTwice(child.pid!, 0)
    writeFileSync(open, '')
    const { code, stdout } = await outcome
    assert.deepEqual([code, stdout], [130, '"waited"\n'])
  })

  it('the second SIGINT ends the program and its workers, and lists running calls as not done', async () => {
    const begun = pathOf('begun')
    const child = start(`${worker}#spinForever`, '-w', '1', begun, 'a')
    const outcome = outcomeOf(child)
    await until(() => existsSync(begun))
    const [busy] = childrenOf(child.pid!).flatMap(childrenOf)
    assert.ok(busy)
    await interruptTwice(child.pid!)
    assert.deepEqual(await outcome, {
      code: 130,
      stdout: '',
      stderr: `fork-pool: not done: ${begun}\nfork-pool: not done: a\n`,
    })
    await untilGone(busy)
  })
})
