import assert from 'node:assert/strict'
import { type ForkPool, ForkProcess } from '@anyfork/fork-pool'
import { isSoak, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools } from './support/pools.js'

interface Failure {
  /** The argument of `doAs`, which makes the worker fail. */
  what: string
  /** The timeout of the failing call alone. The call never ends, so that any timeout will do. */
  timeout?: number
  /** The Node.js flags of the worker. */
  flags?: string[]
  /** Matches the error's `signal`, `exitCode`, `code`, or `name`: the first that it has. */
  expected: RegExp
}

const failures: Record<string, Failure> = {
  'a function throws': { what: 'throw', expected: /^RangeError$/ },
  'a function rejects': { what: 'reject', expected: /^E_MINE$/ },
  'a worker exits': { what: 'exit', expected: /^3$/ },
  'a worker is killed': { what: 'kill', expected: /^SIGKILL$/ },
  'a worker has a segmentation fault': { what: 'segfault', expected: /^SIGSEGV$/ },
  'a worker runs out of memory': {
    what: 'memory',
    flags: ['--max-old-space-size=16'],
    expected: /^(SIGABRT|SIGTRAP|SIGILL)$/,
  },
  'a worker loops until its timeout': { what: 'loop', timeout: 50, expected: /^ERR_POOL_TIMEOUT$/ },
  'a worker is stopped until its timeout': { what: 'stop', timeout: 50, expected: /^ERR_POOL_TIMEOUT$/ },
}

/** Makes the failing call and other calls. `until` is what the test waits for besides the calls. */
type Situation = (
  act: ForkPool,
  fail: () => Promise<unknown>,
) => { failing: Promise<unknown>; others: Promise<unknown>[]; until?: Promise<unknown> }

const others = (act: ForkPool, count: number, ms = 5): Promise<unknown>[] =>
  Array.from({ length: count }, (_, i) => act(`${i}`, ms))

const situations: Record<string, Situation> = {
  'in an idle pool': (_, fail) => ({ failing: fail(), others: [] }),
  'while another call runs': (act, fail) => {
    const before = others(act, 1, 50)
    return { failing: fail(), others: before }
  },
  'while calls wait': (act, fail) => {
    const before = others(act, 4)
    return { failing: fail(), others: [...before, ...others(act, 20)] }
  },
  'while the pool closes': (act, fail) => {
    const made = { failing: fail(), others: others(act, 10) }
    return { ...made, until: act.close() }
  },
  'while the pool reforks': (act, fail) => {
    const before = others(act, 3, 0) // then one of the workers is forked
    const failing = Promise.all(before).then(fail)
    return { failing, others: [...before, ...others(act, 10)] }
  },
  'while the pool reloads': (act, fail) => {
    const until = act.reload()
    return { failing: fail(), others: others(act, 10), until }
  },
}

describe('failure matrix', () => {
  const start = usePools()

  for (const [i, [name, { what, timeout, flags, expected }]] of Object.entries(failures).entries()) {
    for (const [j, [where, make]] of Object.entries(situations).entries()) {
      // Without the soak, each failure in half of the situations, and each situation with half of the failures.
      if (!isSoak && (flags ? j > 0 : (i + j) % 2)) continue
      for (const load of isSoak ? [1, 4] : [((i >> 1) + (j >> 1)) % 2 ? 4 : 1]) {
        it(`every call settles once when ${name} ${where}, with load ${load}`, async () => {
          const act = start(
            'doAs',
            { max: 2, idle: 1, load, stop: 50, ...(where === 'while the pool reforks' && { refork: 2 }) },
            () =>
              flags
                ? ForkProcess.exec({ execArgv: flags, stdio: ['inherit', 'inherit', 'ignore'] })
                : ForkProcess.create(),
          )
          await until(() => act.workers.length > 0)
          const made = make(act, () => act.with(timeout === undefined ? {} : { timeout })(what))
          const [failed, ...rest] = await Promise.allSettled([made.failing, ...made.others])
          await made.until
          const { name: kind, code, signal, exitCode } = (failed as PromiseRejectedResult).reason
          assert.match(String(signal ?? exitCode ?? code ?? kind), expected)
          for (const one of rest) assert.equal(one.status, 'fulfilled', String((one as PromiseRejectedResult).reason))
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
