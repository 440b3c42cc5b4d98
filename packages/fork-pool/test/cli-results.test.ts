import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { forkPool, worker } from './support/cli.js'
import { useFolder } from './support/folder.js'

describe('results of fork-pool', () => {
  const pathOf = useFolder()
  const filesOf = (number: number): Record<string, string> => {
    const folder = pathOf(`results/${number}`)
    return Object.fromEntries(readdirSync(folder).map(name => [name, readFileSync(`${folder}/${name}`, 'utf8')]))
  }

  const modes = [['-w', '2', '--load', '3'], ['--isolate']]
  for (const mode of isSoak ? [...modes, ['-w', '1'], ['-w', '2'], ['-w', '1', '--load', '3']] : modes)
    it(`--results keeps the input, the result, and the output of each call, also of child processes; ${mode.join(' ')}`, async () => {
      const args = [`${worker}#printAndReturn`, '--results', pathOf('results'), ...mode]
      const { code, stdout } = await forkPool([...args, 'a', 'throw', 'exit', 'a'])
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '"a"\n"a"\n' })
      const kept = (what: string): object => ({
        input: what,
        stdout: `out ${what}\nchild ${what}\n`,
        stderr: `err ${what}\n`,
      })
      assert.deepEqual(filesOf(1), { ...kept('a'), result: '"a"' })
      const { stderr: failure, ...thrown } = filesOf(2)
      assert.deepEqual({ ...thrown, stderr: '' }, { ...kept('throw'), stderr: '' })
      assert.match(failure!, /^err throw\nError: on purpose\n {4}at printAndReturn/)
      const { stderr: exit, ...exited } = filesOf(3)
      assert.deepEqual({ ...exited, stderr: '' }, { ...kept('exit'), stderr: '' })
      assert.match(exit!, /^err exit\nForkError \[ERR_PROCESS_EXITED\]: .* code 3\n$/)
      assert.deepEqual(filesOf(4), { ...kept('a'), result: '"a"' })
    })

  it('--results repeats the output of each call on standard error, and --tag begins its lines with the input', async () => {
    const args = [`${worker}#printAndReturn`, '--results', pathOf('results'), '-w', '2', 'a', 'b']
    assert.equal((await forkPool(args)).stderr, 'out a\nchild a\nerr a\nout b\nchild b\nerr b\n')
    const { stdout, stderr } = await forkPool([...args, '--tag'])
    assert.equal(stderr, 'a\tout a\na\tchild a\na\terr a\nb\tout b\nb\tchild b\nb\terr b\n')
    assert.equal(stdout, 'a\t"a"\nb\t"b"\n')
    assert.equal(filesOf(1)['result'], '"a"')
  })

  it('--results keeps what a generator prints, and all of its values', async () => {
    writeFileSync(pathOf('count.mjs'), 'export default function* () { yield 1; console.log("between"); yield 2 }')
    await forkPool([pathOf('count.mjs'), '--results', pathOf('results'), 'a'])
    assert.deepEqual(filesOf(1), { input: 'a', stdout: 'between\n', stderr: '', result: '1\n2' })
  })

  it('--results replaces the files of an earlier run', async () => {
    const args = [`${worker}#printAndReturn`, '--results', pathOf('results')]
    await forkPool([...args, 'a'])
    await forkPool([...args, 'throw'])
    assert.deepEqual(Object.keys(filesOf(1)).sort(), ['input', 'stderr', 'stdout'])
  })

  it('--results keeps apart what modules print while they load', async () => {
    writeFileSync(pathOf('loud.mjs'), 'console.log("loading"); export default () => console.log("called")')
    await forkPool([pathOf('loud.mjs'), '--results', pathOf('results'), 'a'])
    const loads = process.env['ANYFORK_MODE'] === 'exec' ? 2 : 1 // the worker is no fork, and loads the module again
    assert.equal(readFileSync(pathOf('results/stdout'), 'utf8'), 'loading\n'.repeat(loads))
    assert.equal(filesOf(1)['stdout'], 'called\n')
  })

  it('--results reports a missing function once, with exit status 255', async () => {
    const { code, stderr } = await forkPool([`${worker}#noSuch`, '--results', pathOf('results'), 'a', 'b'])
    assert.equal(code, 255)
    assert.match(stderr, /^fork-pool: noSuch is not exported by \S*worker\.js\n$/)
  })

  it('--results with a folder that cannot be made ends the program before it does any work', async () => {
    writeFileSync(pathOf('file'), '')
    const { code, stderr } = await forkPool([
      worker,
      '--results',
      pathOf('file/results'),
      '--joblog',
      pathOf('log'),
      'a',
    ])
    assert.equal(code, 255)
    assert.match(stderr, /^fork-pool: ENOTDIR/)
    assert.equal(existsSync(pathOf('results')), false)
  })
})
