import assert from 'node:assert/strict'
import { median, quantile } from '../statistics.js'
import type { Metrics } from './benchmark.js'
import { deadlineAfter, repeatConcurrently } from './repeat.js'

type Call = () => Promise<unknown>

/** How long to warm up and to measure, in milliseconds. */
export function durations(isQuick: boolean): { warmUp: number; measured: number } {
  return isQuick ? { warmUp: 5, measured: 20 } : { warmUp: 500, measured: 1000 }
}

/** Calls one after the other: how long each took, in milliseconds. */
export async function timeCalls(call: Call, milliseconds: number): Promise<number[]> {
  const times: number[] = []
  const isOver = deadlineAfter(milliseconds)
  do {
    const asked = performance.now()
    await call()
    times.push(performance.now() - asked)
  } while (!isOver())
  return times
}

/** Always so many calls pending: calls a second. */
export async function callsPerSecond(
  call: Call,
  pendingCalls: number,
  { warmUp, measured }: { warmUp: number; measured: number },
): Promise<number> {
  await repeatConcurrently(pendingCalls, deadlineAfter(warmUp), call)
  const started = performance.now()
  const count = await repeatConcurrently(pendingCalls, deadlineAfter(measured, 16), call)
  return (1000 * count) / (performance.now() - started)
}

/** What a round trip takes, of the usual one and of one in a hundred. */
export function latencyMetrics(milliseconds: readonly number[]): Metrics {
  const sum = milliseconds.reduce((a, b) => a + b)
  return {
    medianMicroseconds: 1000 * median(milliseconds),
    meanMicroseconds: (1000 * sum) / milliseconds.length,
    p99Microseconds: 1000 * quantile(milliseconds, 0.99),
  }
}

/** That a worker answers, and rightly: nobody is measured who does not do the work. */
export async function assertAnswer(call: Call, expected: unknown): Promise<void> {
  assert.deepEqual(await call(), expected)
}
