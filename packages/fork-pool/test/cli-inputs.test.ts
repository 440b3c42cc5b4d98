import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { forkPool, inputsOf, outcomeOf, program, useForkPool, worker } from './support/cli.js'

describe('inputs of fork-pool', () => {
  const { started } = useForkPool()

  it('without arguments, the lines of standard input are the inputs', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`)
    const { code, stdout } = await forkPool([worker, '--workers', '3'], lines.join('\n'))
    assert.equal(code, 0)
    assert.deepEqual(
      stdout.trim().split('\n'),
      lines.map(line => JSON.stringify(line.toUpperCase())),
    )
  })

  it('only LF and CRLF end a line; empty lines are skipped, and a line of spaces is an input', async () => {
    assert.deepEqual(await inputsOf([], 'a\rb\u2028c\r\nd\n\n '), ['"a\\rb\u2028c"', '"d"', '" "'])
  })

  for (const [format, ending] of [
    ['--null', '\0'],
    ['--ndjson', '\n'],
    ['--ordered', '\r\n'],
  ] as const)
    it(`a byte order mark at the beginning of standard input is ignored, and kept elsewhere; ${format}`, async () => {
      const inputs = format === '--ndjson' ? ['1', '"\ufeff2"'] : ['1', '\ufeff2']
      assert.deepEqual(await inputsOf([format], `\ufeff${inputs.join(ending)}`), [
        format === '--ndjson' ? '1' : '"1"',
        '"\ufeff2"',
      ])
    })

  it('an input that is only a byte order mark is skipped', async () => {
    assert.deepEqual(await forkPool([worker], '\ufeff'), { code: 0, stdout: '', stderr: '' })
  })

  it('--ndjson reads JSON from lines, and skips blank ones', async () => {
    assert.equal(
      (await forkPool([`${worker}#echo`, '--ndjson'], '{"a":[1,null]}\n7\n  \n"x\u2029y"\r\n\n')).stdout,
      '{"a":[1,null]}\n7\n"x\u2029y"\n',
    )
  })

  it('--ndjson reads JSON from arguments', async () => {
    assert.deepEqual(await inputsOf(['--ndjson', '[1]', 'true']), ['[1]', 'true'])
  })

  it('--null reads inputs that end with NUL, empty ones included', async () => {
    const inputs = ['two\nlines', 'ünïcode', '']
    assert.deepEqual(
      await inputsOf(['-0'], inputs.map(text => `${text}\0`).join('')),
      inputs.map(text => JSON.stringify(text)),
    )
  })

  it('an input of 40 MB arrives whole', async () => {
    const { code, stdout } = await forkPool([`${worker}#lengthOf`, '-0'], Buffer.alloc(40e6, 'x'))
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '40000000\n' })
  })

  it('inputs of 50 MB in total fit in a heap of 32 MB, because the program forgets those that are done', async () => {
    const input = 'x'.repeat(500_000) + '\0'
    const child = spawn(process.execPath, [program, 'node:path#isAbsolute', '--null', '-w', '1'], {
      env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=32' },
    })
    started.push(child)
    Readable.from(new Array(100).fill(input)).pipe(child.stdin.on('error', () => {})) // the outcome reports a failure
    const { code, stdout } = await outcomeOf(child)
    assert.deepEqual({ code, results: stdout.match(/false/g)?.length }, { code: 0, results: 100 })
  })

  it('an input that is not UTF-8 ends the program with exit status 255, after the inputs before it', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#echo`, '-0'], Buffer.from([0x61, 0, 0xff, 0xfe, 0]))
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 255, stdout: '"a"\n', stderr: 'fork-pool: input 2 of standard input is not UTF-8\n' },
    )
  })

  it('a line that is not JSON ends the program with exit status 255, after the inputs before it', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#echo`, '--ndjson'], '1\n2\n{\n4\n')
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '1\n2\n' })
    assert.match(stderr, /^fork-pool: input 3 is not valid JSON/)
  })

  const formats = [['lines', []]] as const
  for (const [name, format] of isSoak ? ([...formats, ['inputs that end with NUL', ['--null']]] as const) : formats) {
    it(`an error in reading ${name} from standard input is reported, with exit status 255`, async () => {
      const folder = openSync(tmpdir(), 'r')
      const child = spawn(process.execPath, [program, worker, ...format], { stdio: [folder, 'pipe', 'pipe'] })
      closeSync(folder)
      const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr!)])
      assert.equal(code, 255)
      assert.match(stderr, /^fork-pool: EISDIR: .*\n$/)
    })
  }
})
