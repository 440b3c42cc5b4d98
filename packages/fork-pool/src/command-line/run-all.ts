import type { ForkPool } from '../pool.js'
import type { Display } from './display.js'
import type { Input } from './inputs.js'
import type { Interruption } from './interruption.js'
import type { Joblog } from './joblog.js'
import type { Counts } from './report.js'
import { linesOf } from './result-lines.js'

/** Results that wait for an earlier one are at most so many for each call that runs. */
const WINDOW = 16

export interface RunAllOptions {
  /** How many calls run at a time. */
  slots: number
  isOrdered: boolean
  retries: number
  /** Whether the first failure is the last. */
  halts: boolean
  joblog: Joblog | undefined
  interruption: Interruption
  display: Display
}

/** What was counted, and the inputs that were read, but not done. */
export interface RunAllOutcome {
  counts: Counts
  notDone: Input[]
}

/** Calls the function for every input, and prints results, one line of JSON for each, or for each value that it yields. */
export async function runAll(call: ForkPool, inputs: AsyncIterator<Input>, options: RunAllOptions): Promise<RunAllOutcome> {
  const { slots, isOrdered, halts, joblog, interruption, display } = options
  const counts: Counts = { inputs: 0, done: 0, failed: 0, skipped: 0, notDone: 0 }
  const notDone: Input[] = []
  const running = new Set<Promise<void>>()
  const unprinted: (() => Promise<void>)[] = []
  const hasStopped = (): boolean => interruption.isWanted || (halts && counts.failed > 0)

  const work = async (input: Input): Promise<string | undefined> => {
    try {
      const lines = await attempt(call, input, options)
      counts.done++
      return lines
    } catch (error) {
      counts.failed++
      display.clear()
      complain(`${input.text}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    } finally {
      display.step()
    }
  }

  let failure: unknown
  try {
    for (let next = await nextOf(inputs, interruption); next; next = await nextOf(inputs, interruption)) {
      counts.inputs++
      display.expect(counts.inputs)
      if (joblog?.has(next)) {
        counts.skipped++
        display.step()
        continue
      }
      while (running.size >= slots) await Promise.race(running)
      if (hasStopped()) {
        notDone.push(next)
        break
      }
      const result = work(next)
      const print = async (): Promise<void> => printLines(await result, display)
      const ended = (isOrdered ? result : print()).then(() => void running.delete(ended))
      running.add(ended)
      if (isOrdered) unprinted.push(print)
      while (unprinted.length > slots * WINDOW) await unprinted.shift()!()
    }
  } catch (error) {
    failure = error // of the inputs; what was begun is finished first
  }
  for (const print of unprinted) await print()
  await Promise.all(running)
  if (failure !== undefined) throw failure
  return { counts, notDone }
}

/** Any failure is tried again, as often as it may be. */
async function attempt(call: ForkPool, input: Input, { retries, joblog }: RunAllOptions): Promise<string | undefined> {
  for (let left = retries; ; left--) {
    const startedAt = Date.now()
    const began = performance.now()
    try {
      const lines = await linesOf(await call(input.value))
      joblog?.add(input, startedAt, performance.now() - began, { bytes: Buffer.byteLength(lines ?? '') })
      return lines
    } catch (error) {
      if (left > 0 && (error as NodeJS.ErrnoException).code !== 'ERR_POOL_DESTROYED') continue
      joblog?.add(input, startedAt, performance.now() - began, { error, bytes: 0 })
      throw error
    }
  }
}

/** The next input, unless an end is wanted first. */
async function nextOf(inputs: AsyncIterator<Input>, { wanted }: Interruption): Promise<Input | undefined> {
  const next = await Promise.race([inputs.next(), wanted])
  return next && !next.done ? next.value : undefined
}

async function printLines(lines: string | undefined, display: Display): Promise<void> {
  if (lines === undefined) return
  if (process.stdout.isTTY) display.clear()
  if (!process.stdout.write(`${lines}\n`)) await new Promise(resolve => process.stdout.once('drain', resolve))
}

export function complain(message: string): void {
  process.stderr.write(`fork-pool: ${message}\n`)
}
