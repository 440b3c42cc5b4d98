import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { closeSync, fstatSync, openSync } from 'node:fs'
import type { Descriptor, WorkerEventSource } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { drain, usePools, valuesOf } from './support/pools.js'

describe('events of workers', () => {
  const start = usePools()
  const pathOf = useFolder()

  it('onEvent of the pool and of a call have the process id of the worker as this.pid', async () => {
    const sources: number[] = []
    function onEvent(this: WorkerEventSource): void {
      sources.push(this.pid)
    }
    const emitPid = start('emitPid', { max: 1, onEvent })
    const pid = await emitPid()
    assert.equal(await emitPid.with({ onEvent })(), pid)
    assert.deepEqual(sources, [pid, pid])
  })

  for (const [what, options] of [
    ['a synchronous pool', {}],
    ['an async pool', { async: true }],
    ['a pool with isolate', { isolate: true }],
  ] as const)
    it(`onEvent of a call of ${what} receives the events of this call, and the pool does not`, async () => {
      const all: unknown[] = []
      const emit = start('emit', { max: 2, onEvent: (...values) => all.push(values), ...options })
      const own: unknown[][] = Array.from({ length: 20 }, () => [])
      await Promise.all([
        emit('pool'),
        ...own.map((seen, i) => emit.with({ onEvent: (...values) => seen.push(values) })(i, 'x')),
      ])
      assert.deepEqual(all, [['pool']])
      assert.deepEqual(
        own,
        own.map((_, i) => [[i, 'x']]),
      )
    })

  it('onEvent of a call receives the events of its stream, until that has ended', async () => {
    const [all, own]: unknown[][] = [[], []]
    const emitAndYield = start('emitAndYield', { max: 1, onEvent: value => all!.push(value) })
    const values: unknown[] = []
    const stream = valuesOf(emitAndYield.with({ onEvent: value => own!.push(value) })(3))
    for (let step = await stream.next(); !step.done; step = await stream.next()) values.push(step.value)
    await drain(valuesOf(emitAndYield(0)))
    assert.deepEqual([values, own, all], [[1, 2, 3], ['at 1', 'at 2', 'at 3', 'end'], ['end']])
  })

  it('a worker can retire in a call that has onEvent', async () => {
    const seen: unknown[] = []
    const retireAfter = start('retireAfter', { max: 1 })
    const first = await retireAfter.with({ onEvent: value => seen.push(value) })(true)
    assert.notEqual(await retireAfter(false), first)
    assert.deepEqual(seen, [])
  })

  it('onEvent of a call runs in the asynchronous context in which it was given, and its error is uncaught', async () => {
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const emit = start('emit', { max: 1 })
    const listening = context.run('given', () => emit.with({ onEvent: () => seen.push(context.getStore()) }))
    await context.run('called', () => listening(1))
    assert.deepEqual(seen, ['given'])
    const errors: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', error => errors.push(error))
    await emit.with({
      onEvent: () => {
        throw new RangeError('mine')
      },
    })(1)
    await until(() => errors.length > 0)
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
    assert.match(String(errors), /mine/)
  })

  it('onEvent of a call gets descriptors, which are closed if there is no listener', async () => {
    const seen: number[] = []
    const emitNull = start('emitNull', { max: 1 })
    await emitNull.with({
      onEvent: (_, file) => {
        seen.push(fstatSync((file as Descriptor).fd).rdev)
        ;(file as Descriptor).close()
      },
    })()
    await emitNull()
    const number = openSync('/dev/null', 'r')
    assert.deepEqual(seen, [fstatSync(number).rdev])
    closeSync(number)
  })

  it('a call with onEvent is repeated with it after its worker has died', async () => {
    const seen: unknown[] = []
    const emitThenDieOnce = start('emitThenDieOnce', { max: 1, retries: 1 })
    const pids: number[] = []
    function onEvent(this: WorkerEventSource, value: unknown): void {
      seen.push(value)
      pids.push(this.pid)
    }
    await emitThenDieOnce.with({ onEvent })(pathOf('file'))
    assert.deepEqual(seen, ['attempt', 'attempt'])
    assert.notEqual(pids[0], pids[1])
  })
})
