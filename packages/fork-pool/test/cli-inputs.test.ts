import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { forkPool, outcomeOf, program, useForkPool, worker } from './support/fork-pool.js'

describe('fork-pool', () => {
  const { started } = useForkPool()

  it('reads the lines of standard input without arguments', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`)
    const { code, stdout } = await forkPool([worker, '--workers', '3'], lines.join('\n'))
    assert.equal(code, 0)
    assert.deepEqual(
      stdout.trim().split('\n'),
      lines.map(line => JSON.stringify(line.toUpperCase())),
    )
  })

  it('keeps no input that was done', async () => {
    const input = 'x'.repeat(500_000) + '\0'
    const child = spawn(process.execPath, [program, 'node:path#isAbsolute', '--null', '-w', '1'], {
      env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' },
    })
    started.push(child)
    Readable.from(new Array(200).fill(input)).pipe(child.stdin.on('error', () => {})) // the outcome tells
    const { code, stdout } = await outcomeOf(child)
    assert.deepEqual({ code, results: stdout.match(/false/g)?.length }, { code: 0, results: 200 })
  })

  it('takes inputs that end with NUL, and JSON', async () => {
    const odd = ['two\nlines', 'ünïcode', '']
    assert.equal(
      (await forkPool([`${worker}#echo`, '-0'], odd.map(text => `${text}\0`).join(''))).stdout,
      odd.map(text => `${JSON.stringify(text)}\n`).join(''),
    )
    assert.equal(
      (await forkPool([`${worker}#echo`, '--ndjson'], '{"a":[1,null]}\n7\n"x"\n')).stdout,
      '{"a":[1,null]}\n7\n"x"\n',
    )
    assert.equal((await forkPool([`${worker}#echo`, '--ndjson', '[1]', 'true'])).stdout, '[1]\ntrue\n')
  })

  it('takes lines as they are: a carriage return alone, or a separator of Unicode, ends none; blank ones are no JSON', async () => {
    assert.equal((await forkPool([`${worker}#echo`], 'a\rb\u2028c\r\nd\n\n ')).stdout, '"a\\rb\u2028c"\n"d"\n" "\n')
    assert.equal((await forkPool([`${worker}#echo`, '--ndjson'], '1\n  \n"x\u2029y"\r\n\n')).stdout, '1\n"x\u2029y"\n')
  })

  it('takes one input of 40 MB, however it comes, in no time', async () => {
    const { code, stdout } = await forkPool([`${worker}#lengthOf`, '-0'], Buffer.alloc(40e6, 'x'))
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '40000000\n' })
  }).timeout(10_000)

  it('refuses an input that is not UTF-8, which no text could stand for, and ends with 255', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#echo`, '-0'], Buffer.from([0x61, 0, 0xff, 0xfe, 0]))
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 255, stdout: '"a"\n', stderr: 'fork-pool: input 2 of standard input is not UTF-8\n' },
    )
  })

  it('says that standard input cannot be read, and ends with 255', async () => {
    for (const format of [[], ['--null']]) {
      const folder = openSync(tmpdir(), 'r')
      const child = spawn(process.execPath, [program, worker, ...format], { stdio: [folder, 'pipe', 'pipe'] })
      closeSync(folder)
      const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr!)])
      assert.equal(code, 255)
      assert.match(stderr, /^fork-pool: EISDIR: .*\n$/)
    }
  })

  it('finishes what came before a line that is no JSON, and ends with 255', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#echo`, '--ndjson'], '1\n2\n{\n4\n')
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '1\n2\n' })
    assert.match(stderr, /^fork-pool: input 3 is not valid JSON/)
  })
})
