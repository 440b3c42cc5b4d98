import assert from 'node:assert/strict'
import { canCopyAllThreads } from '@anyfork/fork/internal'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { isSoak } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { usePools } from './support/pools.js'

const threadModule = new URL('./fixtures/thread-module.js', import.meta.url)
const loader = `data:text/javascript,${encodeURIComponent("import { register } from 'node:module'; register('data:text/javascript,')")}`

describe('workers that were forked or not', () => {
  const start = usePools()

  it('workers and stats() say whether workers were forked', async () => {
    for (const mode of ['fork', 'exec'] as const) {
      const pid = start('pid', { max: 1 }, () => ForkProcess.exec({ mode }))
      await pid()
      assert.deepEqual(
        [pid.workers, (await pid.stats()).workers].map(workers => workers.map(worker => worker.mode)),
        [[mode], [mode]],
      )
      assert.equal((await pid.stats()).template.mode, mode)
    }
  })
})

describe('a pool whose template cannot be forked', () => {
  before(function () {
    if (process.env['ANYFORK_THREADS'] === 'all') this.skip() // threads are in the way only of forks with one
  })

  for (const [made, template] of [
    ['ForkProcess.create()', () => ForkProcess.create()],
    ['ForkProcess.exec()', () => ForkProcess.exec()],
  ] as const) {
    const isCreated = made === 'ForkProcess.create()'
    if (isSoak || isCreated)
      it(`with a template of ${made}, workers of a module that starts a thread are fresh interpreters`, async () => {
        await using addOne = pool(template(), threadModule, 'addOne', { max: 1 })
        assert.equal(await addOne(1), 2)
        assert.deepEqual(
          addOne.workers.map(({ mode }) => mode),
          ['exec'],
        )
      })

    if (isSoak || !isCreated)
      it(`with a template of ${made} and a loader that starts a thread, workers are fresh interpreters`, async () => {
        const { templateOptions } = ForkProcess
        const execArgv = ['--no-deprecation', '--import', loader]
        const options = { execArgv, threads: 'one', mode: 'auto' } as const
        ForkProcess.templateOptions = options
        try {
          const source = isCreated ? template() : ForkProcess.exec(options)
          await using addOne = pool(
            source,
            new URL('data:text/javascript,export const addOne = x => x + 1'),
            'addOne',
            {
              max: 1,
            },
          )
          assert.equal(await addOne(1), 2)
          assert.deepEqual(
            addOne.workers.map(({ mode }) => mode),
            ['exec'],
          )
          const { mode, obstacle } = (await addOne.stats()).template
          assert.equal(mode, 'exec')
          assert.match(obstacle!, /^a thread of the loader --import/)
        } finally {
          ForkProcess.templateOptions = templateOptions
        }
      })
  }
})

describe('a pool whose forks have all threads', () => {
  before(function () {
    if (!canCopyAllThreads()) this.skip()
  })

  it('workers of a module that starts a thread are forks', async () => {
    await using addOne = pool(ForkProcess.exec({ threads: 'all', mode: 'auto' }), threadModule, 'addOne', { max: 1 })
    assert.equal(await addOne(1), 2)
    assert.deepEqual(
      addOne.workers.map(({ mode }) => mode),
      ['fork'],
    )
  })
})
