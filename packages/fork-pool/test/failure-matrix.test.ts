import assert from 'node:assert/strict'
import { type ForkPool, ForkProcess } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

interface Failure {
  /** What the worker is told to do. */
  what: string
  timeout?: number
  /** Flags of the interpreter. */
  flags?: string[]
  /** `code`, `exitCode` or `signal` of the error. */
  expected: RegExp
}

const failures: Record<string, Failure> = {
  throws: { what: 'throw', expected: /^RangeError$/ },
  rejects: { what: 'reject', expected: /^E_MINE$/ },
  exits: { what: 'exit', expected: /^3$/ },
  'is killed': { what: 'kill', expected: /^SIGKILL$/ },
  'has a segmentation fault': { what: 'segfault', expected: /^SIGSEGV$/ },
  'runs out of memory': { what: 'memory', flags: ['--max-old-space-size=32'], expected: /^(SIGABRT|SIGTRAP|SIGILL)$/ },
  'is in an endless loop, with a timeout': { what: 'loop', timeout: 150, expected: /^ERR_POOL_TIMEOUT$/ },
  'stops answering, with a timeout': { what: 'stop', timeout: 150, expected: /^ERR_POOL_TIMEOUT$/ },
}

/** Makes the failing call, and others; tells which is the failing one. */
type Situation = (
  act: ForkPool,
  fail: () => Promise<unknown>,
) => { failing: Promise<unknown>; others: Promise<unknown>[]; until?: Promise<unknown> }

const others = (act: ForkPool, count: number, ms = 20): Promise<unknown>[] =>
  Array.from({ length: count }, (_, i) => act(`${i}`, ms))

const situations: Record<string, Situation> = {
  'an otherwise idle pool': (_, fail) => ({ failing: fail(), others: [] }),
  'a pool whose other workers run calls': (act, fail) => {
    const before = others(act, 1, 100)
    return { failing: fail(), others: before }
  },
  'a pool with calls that wait': (act, fail) => {
    const before = others(act, 4)
    return { failing: fail(), others: [...before, ...others(act, 20)] }
  },
  'a pool that drains': (act, fail) => {
    const made = { failing: fail(), others: others(act, 10) }
    return { ...made, until: act.close() }
  },
  'a pool that reforks': (act, fail) => {
    const before = others(act, 3, 0) // after which one of its workers is copied
    const failing = Promise.all(before).then(fail)
    return { failing, others: [...before, ...others(act, 10)] }
  },
  'a pool that reloads': (act, fail) => {
    const until = act.reload()
    return { failing: fail(), others: others(act, 10), until }
  },
}

describe('every call is settled once when a worker', function () {
  this.timeout(30_000)
  const start = usePools()

  for (const [name, { what, timeout, flags, expected }] of Object.entries(failures)) {
    for (const [where, make] of Object.entries(situations)) {
      for (const load of [1, 4]) {
        it(`${name}, in ${where}, with load ${load}`, async () => {
          const act = start(
            'doAs',
            { max: 2, idle: 1, load, stop: 50, ...(where === 'a pool that reforks' && { refork: 2 }) },
            () =>
              flags
                ? ForkProcess.exec({ execArgv: flags, stdio: ['inherit', 'inherit', 'ignore'] })
                : ForkProcess.create(),
          )
          await until(() => act.workers.length > 0)
          const settled = new Map<Promise<unknown>, number>()
          const watch = (call: Promise<unknown>): Promise<unknown> => {
            const count = (): void => void settled.set(call, (settled.get(call) ?? 0) + 1)
            call.then(count, count)
            return call
          }
          const made = make(act, () => act.with(timeout === undefined ? {} : { timeout })(what))
          const [failed, ...rest] = await Promise.allSettled([made.failing, ...made.others].map(watch))
          await made.until
          const { name: kind, code, signal, exitCode } = (failed as PromiseRejectedResult).reason
          assert.match(String(signal ?? exitCode ?? code ?? kind), expected)
          for (const one of rest) assert.equal(one.status, 'fulfilled', String((one as PromiseRejectedResult).reason))
          assert.deepEqual([...settled.values()], new Array(made.others.length + 1).fill(1))
          const { done, failed: lost, waiting, running } = (await act.stats()).calls
          assert.deepEqual(
            { done, lost, waiting, running },
            { done: made.others.length, lost: 1, waiting: 0, running: 0 },
          )
        })
      }
    }
  }
})
