import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ForkProcess, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { after, afterEach, before, describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('run', () => {
  let template: ForkProcess
  let rpc: Rpc | undefined
  let openBefore: number

  const start = (name: string, options?: RpcOptions): Rpc => (rpc = run(template.fork(), worker, name, options))

  before(async () => {
    template = preload(ForkProcess.exec()).require(worker)
    await Promise.all([template.ready(), ForkProcess.startTemplate().ready()])
    await run(template.fork(), worker, 'nothing').close()
    openBefore = readdirSync('/proc/self/fd').length
  })
  afterEach(async () => {
    await rpc?.destroy()
    rpc = undefined
    assert.equal(readdirSync('/proc/self/fd').length, openBefore)
  })
  after(() => template.close())

  it('is prepared by preload(), which leaves a template as it was but for what it has loaded', async () => {
    await using plain = ForkProcess.exec()
    await plain.ready()
    const [prepared, other] = await Promise.all([template.check(), plain.check()])
    for (const what of ['findings', 'threads', 'resources', 'descriptors'] as const) {
      const [ours, theirs] = [prepared[what], other[what]].map(found => (Array.isArray(found) ? found.length : found))
      assert.deepEqual(ours, theirs, what)
    }
    const early = template
      .fork()
      .eval(
        async (module: string) => ((await import(module)) as { event(): void }).event(),
        import.meta.resolve('@anyfork/fork-rpc/child'),
      )
    await assert.rejects(early.ready(), /event\(\) works in a process that serves calls/)
  })

  it('is prepared in the default template: its forks load nothing, not even where they have no descriptor left for a file', async () => {
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
    rpc = run(process, 'double')
    assert.equal(await rpc(21), 42)
  })

  it('gives a function that returns promises', async () => {
    const add = start('add')
    assert.equal(await add(1, 2), 3)
    assert.deepEqual(await Promise.all([add(1, 1), add(2, 2), add('a', 'b')]), [2, 4, 'ab'])
  })

  it('answers in order, many calls at once', async () => {
    const add = start('add')
    const sums = await Promise.all(Array.from({ length: 10_000 }, (_, i) => add(i, 1)))
    assert.deepEqual(
      sums,
      Array.from({ length: 10_000 }, (_, i) => i + 1),
    )
  })

  it('waits for a promise that the function returns', async () => {
    const later = start('later')
    assert.deepEqual(await Promise.all([later('a'), later('b')]), ['a', 'b'])
  })

  it('delivers events in order with the results', async () => {
    const seen: unknown[] = []
    const progress = start('progress', { onEvent: (...values) => seen.push(values) })
    const results = [progress(2), progress(1)].map(result => result.then(value => seen.push(value)))
    await Promise.all(results)
    assert.deepEqual(seen, [['step', 1], ['step', 2], 'done', ['step', 1], 'done'])
  })

  it('gives a result before the next call begins', async () => {
    const path = join(tmpdir(), `anyfork-${process.pid}-answered`)
    const awaitFile = start('awaitFile')
    const [, second, third] = [awaitFile(''), awaitFile(''), awaitFile(path)]
    await second
    writeFileSync(path, '')
    assert.equal(await third, true)
    rmSync(path)
  })

  it('finishes the calls so far when closed, then refuses more', async () => {
    const add = start('add')
    const calls = [add(1, 2), add(3, 4)]
    await Promise.all([add.close(), add.close()])
    assert.deepEqual(await Promise.all(calls), [3, 7])
    assert.deepEqual(await add.ended, { code: 0, signal: null })
    await assert.rejects(add(1, 2), { code: 'ERR_RPC_CLOSED' })
  })

  it('ends at once when destroyed, even before it has started', async () => {
    const block = start('block')
    const call = block(60_000)
    await Promise.all([block.destroy(), assert.rejects(call, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })])
  })
})

describe('a program that uses run', () => {
  it('ends when no call is outstanding', async () => {
    const program = `
      import { ForkProcess, run } from '@anyfork/fork-rpc'
      const add = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'add')
      console.log(await add(1, 2))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 10_000,
    })
    assert.equal(stdout, '3\n')
  })

  for (const async of [false, true]) {
    it(`goes on where its working directory was removed, with async: ${async}; only names are looked up from there`, async () => {
      const program = fileURLToPath(new URL('./fixtures/removed-folder.js', import.meta.url))
      const { stdout } = await promisify(execFile)(process.execPath, [program, String(async)], { timeout: 10_000 })
      assert.equal(stdout, 'done\n')
    })
  }
})
