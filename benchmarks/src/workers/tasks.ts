import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'

export { answerRequests, resizeImage, transpile } from './jobs.js'

// Loads a large dependency, if the benchmark asks for it: most workers have one.
if (process.env['ANYFORK_BENCH_MODULE']) createRequire(import.meta.url)(process.env['ANYFORK_BENCH_MODULE'])

/** Returns the sum. */
export function add(a: number, b: number): number {
  return a + b
}

/** Returns its argument. */
export function echo<T>(value: T): T {
  return value
}

/** Counts the primes below a limit by trial division. It uses a processor, and hardly any memory. */
export function countPrimes(limit: number): number {
  let count = 0
  for (let n = 2; n < limit; n++) {
    let isPrime = true
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0
    if (isPrime) count++
  }
  return count
}

/**
 * Blocks the thread of the worker without using a processor.
 *
 * @param milliseconds - how long to block
 * @param barrier - the arguments of `waitAtBarrier`, to wait there instead
 */
export function block(milliseconds: number, barrier?: [file: string, count: number]): number | Promise<number> {
  if (barrier) return waitAtBarrier(...barrier)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
  return milliseconds
}

/** Returns the sum, after blocking the thread of the worker for that many milliseconds. */
export function addAfter(milliseconds: number, a: number, b: number): number {
  if (milliseconds) void block(milliseconds)
  return a + b
}

/**
 * Appends the time and the identity of this worker to a file. Returns when the file has as many lines as there are
 * participants.
 *
 * @param file - shared by the participants
 * @param count - the number of participants
 */
export async function waitAtBarrier(file: string, count: number): Promise<number> {
  appendFileSync(file, `${process.hrtime.bigint()} ${process.pid}:${threadId}\n`)
  while (readFileSync(file, 'utf8').split('\n').length <= count) await setTimeout(20)
  return count
}

/**
 * Writes the time to a file, and ends this worker. If the file exists, returns instead.
 *
 * @param how - a thread cannot end by a signal
 */
export function dieOnce(file: string, how: 'SIGKILL' | 'process.exit(1)'): string {
  if (existsSync(file)) return 'alive'
  writeFileSync(file, `${process.hrtime.bigint()}`)
  if (how === 'SIGKILL') process.kill(process.pid, how)
  process.exit(1)
}
