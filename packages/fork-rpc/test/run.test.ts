import assert from 'node:assert/strict'
import { ForkProcess, preload, run } from '@anyfork/fork-rpc'
import { outputOf, until } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('run()', () => {
  const { fork, start, track, makeGate } = useConnections()

  it('returns a function that returns promises', async () => {
    const add = start('add')
    assert.equal(await add(1, 2), 3)
    assert.deepEqual(await Promise.all([add(1, 1), add(2, 2), add('a', 'b')]), [2, 4, 'ab'])
  })

  it('calls a global function that eval() has defined if it gets no module', async () => {
    const double = track(run(fork().eval('globalThis.double = n => 2 * n'), 'double'))
    assert.equal(await double(21), 42)
  })

  it('each of 10,000 calls that are made at once gets its own result', async () => {
    const add = start('add')
    const sums = await Promise.all(Array.from({ length: 10_000 }, (_, i) => add(i, 1)))
    assert.deepEqual(
      sums,
      Array.from({ length: 10_000 }, (_, i) => i + 1),
    )
  })

  it('a call resolves with the value of the promise that the function returns', async () => {
    const later = start('later')
    assert.deepEqual(await Promise.all([later('a'), later('b')]), ['a', 'b'])
  })

  it('events and results arrive in the order in which they were sent', async () => {
    const seen: unknown[] = []
    const progress = start('progress', { onEvent: (...values) => seen.push(values) })
    await Promise.all([progress(2), progress(1)].map(result => result.then(value => seen.push(value))))
    assert.deepEqual(seen, [['step', 1], ['step', 2], 'done', ['step', 1], 'done'])
  })

  it('a result arrives while the process blocks in the next call', async () => {
    const blocking = start('blockUntilOpen', { onEvent: () => {} })
    const [first, second] = [makeGate(), makeGate()]
    const calls = [blocking(first.pass(), 'first'), blocking(second.pass(), 'second')]
    first.open()
    assert.equal(await calls[0], 'first')
    second.open()
    assert.equal(await calls[1], 'second')
  })

  it('close() lets pending calls finish; later calls reject with ERR_RPC_CLOSED', async () => {
    const add = start('add')
    const calls = [add(1, 2), add(3, 4)]
    await Promise.all([add.close(), add.close()])
    assert.deepEqual(await Promise.all(calls), [3, 7])
    assert.deepEqual(await add.ended, { code: 0, signal: null })
    await assert.rejects(add(1, 2), { code: 'ERR_RPC_CLOSED' })
  })

  it('destroy() kills the process even before it has started, and rejects pending calls', async () => {
    const block = start('block')
    const call = block(1e9)
    await Promise.all([block.destroy(), assert.rejects(call, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })])
  })
})

describe('templates', () => {
  before(() => ForkProcess.startTemplate().ready()) // it runs until the end of this program
  const { fork, startTemplate, track } = useConnections()

  it('preload() leaves the findings, threads, resources, and descriptors of a template as they were', async () => {
    const [preloaded, plain] = [preload(startTemplate()), startTemplate()]
    // Node closes the files of modules in the background. Only templates that are to be forked wait for that.
    const isReading = async (template: ForkProcess): Promise<boolean> =>
      Object.keys((await template.check()).resources).some(name => /Req/.test(name))
    for (const template of [preloaded, plain]) await until(async () => !(await isReading(template)))
    const [ours, theirs] = await Promise.all([preloaded.check(), plain.check()])
    for (const what of ['findings', 'threads', 'resources', 'descriptors'] as const)
      assert.deepEqual(countOf(ours[what]), countOf(theirs[what]), what)
  })

  it('event() throws in a fork of a preloaded template that serves no calls', async () => {
    const process = fork().eval(
      async (module: string) => ((await import(module)) as { event(): void }).event(),
      import.meta.resolve('@anyfork/fork-rpc/child'),
    )
    await assert.rejects(process.ready(), /event\(\) works in a process that serves calls/)
  })

  it('a fork of the default template loads no files: one free descriptor is enough to serve calls', async () => {
    const process = ForkProcess.create()
      .restrict({ rlimits: { nofile: 64 } })
      .eval(async () => {
        Object.assign(globalThis, { double: (n: number) => 2 * n })
        const { closeSync, openSync } = await import('node:fs')
        let last = -1
        try {
          for (;;) last = openSync('/dev/null', 'r')
        } catch {}
        closeSync(last) // for the socket
      })
    const double = track(run(process, 'double'))
    assert.equal(await double(21), 42)
  })
})

describe('a program that uses run()', () => {
  it('ends when no call is pending', async () => {
    const program = `
      import { ForkProcess, preload, run } from '@anyfork/fork-rpc'
      const add = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'add')
      console.log(await add(1, 2))`
    assert.equal(await outputOf(program), '3\n')
  })

  for (const async of [false, true]) {
    it(`can call functions by URL, but without a main module not by package name, after its working directory was removed; async: ${async}`, async () => {
      const program = new URL('./fixtures/removed-folder.js', import.meta.url)
      assert.equal(await outputOf(`await import(${JSON.stringify(program)})`, [String(async)]), 'done\n')
    })
  }
})

/** Lists of what two templates hold differ in names and numbers, but not in length. */
function countOf(found: unknown): unknown {
  return Array.isArray(found) ? found.length : found
}
