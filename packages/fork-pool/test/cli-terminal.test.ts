import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import xterm from '@xterm/headless'
import { before, describe, it } from 'mocha'
import { program, worker } from './support/cli.js'

const ROWS = 12

/**
 * Runs the program on a terminal, and then prints a prompt as a shell would.
 *
 * @returns the lines that the terminal shows at the end, those that were scrolled away included
 */
async function screenAfter(...args: string[]): Promise<string[]> {
  const command = [process.execPath, program, ...args].map(word => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', `stty rows ${ROWS} cols 80; ${command}; true`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm' },
  })
  const [output] = await Promise.all([buffer(child.stdout), once(child, 'exit')])
  const terminal = new xterm.Terminal({ rows: ROWS, cols: 80, allowProposedApi: true })
  await new Promise<void>(resolve => terminal.write(Buffer.concat([output, Buffer.from('prompt$')]), resolve))
  const lines = Array.from({ length: terminal.buffer.active.length }, (_, i) =>
    terminal.buffer.active.getLine(i)!.translateToString(true),
  )
  return lines.slice(0, lines.findLastIndex(line => line !== '') + 1)
}

describe('terminal output of fork-pool', () => {
  before(function () {
    if (spawnSync('script', ['--version']).error) this.skip()
  })

  it('the progress bar erases no result, even if there are more results than rows', async () => {
    const times = Array.from({ length: 40 }, (_, i) => 5 + i)
    const screen = await screenAfter(`${worker}#sleepAndSay`, '-w', '2', ...times.map(String))
    assert.deepEqual(screen.slice(0, 40), times.map(String))
    assert.match(screen[40]!, /^fork-pool: 40 done, 0 failed in \d+\.\d s$/)
    assert.deepEqual(screen.slice(41), ['prompt$'])
  })

  it('the progress bar erases no error message', async () => {
    const screen = await screenAfter(`${worker}#failOnB`, '-w', '1', 'a', 'b', 'c', 'b')
    assert.match(screen.pop()!, /^prompt\$$/)
    assert.match(screen.pop()!, /^fork-pool: 2 done, 2 failed/)
    const failure = 'fork-pool: b: Error: b is not wanted'
    assert.deepEqual(screen.filter(line => /^("|fork-pool)/.test(line)).sort(), ['"a"', '"c"', failure, failure])
  })

  it('the last view of --watch stays on the screen', async () => {
    const screen = await screenAfter(`${worker}#sleepAndSay`, '--watch', '-w', '2', '300', '301')
    assert.deepEqual(
      screen.filter(line => /^\d+$/.test(line)),
      ['300', '301'],
    )
    assert.equal(screen.filter(line => line.includes('template')).length, 1)
    assert.equal(screen.at(-1), 'prompt$')
  })
})
