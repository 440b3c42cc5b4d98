import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'

/** A worker that needs something big, as most do. */
if (process.env['ANYFORK_BENCH_MODULE']) createRequire(import.meta.url)(process.env['ANYFORK_BENCH_MODULE'])

export function add(a: number, b: number): number {
  return a + b
}

export function echo<T>(value: T): T {
  return value
}

/** Counts primes below a limit, slowly; nothing but processor time. */
export function countPrimes(limit: number): number {
  let count = 0
  for (let n = 2; n < limit; n++) {
    let isPrime = true
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0
    if (isPrime) count++
  }
  return count
}

/** Does nothing for so many milliseconds, and lets nothing else be done by this worker. With a barrier, goes there instead. */
export function block(milliseconds: number, barrier?: [file: string, count: number]): number | Promise<number> {
  if (barrier) return waitAtBarrier(...barrier)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
  return milliseconds
}

/** Writes down when it was called, by the clock that all processes share, and by which worker; returns when so many have. */
export async function waitAtBarrier(file: string, count: number): Promise<number> {
  appendFileSync(file, `${process.hrtime.bigint()} ${process.pid}:${threadId}\n`)
  while (readFileSync(file, 'utf8').split('\n').length <= count) await setTimeout(20)
  return count
}

/** Writes down when, and dies: a process by a signal or `process.exit`, a thread by the latter. Where this has happened, it lives. */
export function dieOnce(file: string, how: 'SIGKILL' | 'process.exit(1)'): string {
  if (existsSync(file)) return 'alive'
  writeFileSync(file, `${process.hrtime.bigint()}`)
  if (how === 'SIGKILL') process.kill(process.pid, how)
  process.exit(1)
}
