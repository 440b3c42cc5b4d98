import assert from 'node:assert/strict'
import { median, quantile } from '../statistics.js'
import type { Metrics } from './benchmark.js'
import { deadlineAfter, repeatConcurrently } from './repeat.js'

type Call = () => Promise<unknown>

/** How long a sample warms up and then measures, in milliseconds. */
export interface Durations {
  warmUp: number
  measured: number
}

export function durations(isQuick: boolean): Durations {
  return isQuick ? { warmUp: 0, measured: 20 } : { warmUp: 200, measured: 400 }
}

/**
 * Makes one call after the other for a period. Returns how long each has taken, in milliseconds.
 *
 * @param expected - what each call must return; not checked if it is `undefined`
 */
export async function timeCalls(call: Call, milliseconds: number, expected?: unknown): Promise<number[]> {
  const check = checkOf(expected)
  const times: number[] = []
  const isOver = deadlineAfter(milliseconds)
  do {
    const calledAt = performance.now()
    const result = await call()
    times.push(performance.now() - calledAt)
    check(result)
  } while (!isOver())
  return times
}

/**
 * Keeps a number of calls pending, first to warm up and then to measure. Returns the calls per second.
 *
 * @param expected - what each call must return; not checked if it is `undefined`
 * @param checkEvery - as for `deadlineAfter`; 1 if a call takes so long that reading the clock does not matter
 */
export async function callsPerSecond(
  call: Call,
  pendingCalls: number,
  { warmUp, measured }: Durations,
  expected?: unknown,
  checkEvery = 16,
): Promise<number> {
  const check = checkOf(expected)
  await repeatConcurrently(pendingCalls, deadlineAfter(warmUp), call, check)
  const startedAt = performance.now()
  const count = await repeatConcurrently(pendingCalls, deadlineAfter(measured, checkEvery), call, check)
  return (1000 * count) / (performance.now() - startedAt)
}

/** Returns a function that throws if it does not get the expected value, so that no subject is measured that loses work. */
function checkOf(expected: unknown): (result: unknown) => void {
  if (expected === undefined) return () => {}
  return result => {
    if (result !== expected) throw new Error(`a call has returned ${String(result)}, not ${String(expected)}`)
  }
}

/** Summarises the times of round trips. */
export function latencyMetrics(milliseconds: readonly number[]): Metrics {
  const sum = milliseconds.reduce((a, b) => a + b)
  return {
    medianMicroseconds: 1000 * median(milliseconds),
    meanMicroseconds: (1000 * sum) / milliseconds.length,
    p99Microseconds: 1000 * quantile(milliseconds, 0.99),
  }
}

/** Makes one call and checks its result, so that a subject that does not do the work is not measured. */
export async function assertAnswer(call: Call, expected: unknown): Promise<void> {
  assert.deepEqual(await call(), expected)
}
