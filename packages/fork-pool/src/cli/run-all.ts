import { PoolError } from '../errors.js'
import type { ForkPool } from '../pool.js'
import type { Input } from './inputs.js'
import type { Interruption } from './interruption.js'
import type { Joblog } from './joblog.js'
import type { Display } from './progress.js'
import type { Counts } from './report.js'
import { linesOf } from './result-lines.js'

/** Results that wait for an earlier one are at most so many for each call that runs. */
const WINDOW = 16

export interface RunAllOptions {
  /** How many calls run at a time. */
  slots: number
  isOrdered: boolean
  retries: number
  /** How long a stream may take once it has begun, in milliseconds. */
  timeout: number | undefined
  /** Whether the first failure is the last. */
  halts: boolean
  joblog: Joblog | undefined
  interruption: Interruption
  display: Display
}

/** What was counted, and the inputs that were read, but not done, or not to their end. */
export interface RunAllOutcome {
  counts: Counts
  notDone: Input[]
  /** Whether there are no more inputs than were counted; else there may be some. */
  isAtEnd: boolean
}

/** How a call ended, or the last one where it was made again. */
interface Attempt {
  /** Milliseconds since 1970. */
  startedAt: number
  milliseconds: number
  hasFailed: boolean
  lines?: string | undefined
  error?: unknown
}

/**
 * Calls the function for every input, and prints results, one line of JSON for each, or for each value that it yields.
 *
 * @throws what went wrong with the inputs, when what was begun has finished; what went wrong with standard output, or
 *   that there is no such function, at once
 */
export async function runAll(
  call: ForkPool,
  inputs: AsyncIterator<Input>,
  options: RunAllOptions,
): Promise<RunAllOutcome> {
  const { slots, isOrdered, halts, joblog, interruption, display } = options
  const counts: Counts = { inputs: 0, done: 0, failed: 0, skipped: 0, notDone: 0, retried: 0 }
  const notDone: Input[] = []
  const mostUnprinted = isOrdered ? slots * WINDOW : slots
  let running = 0
  let unprinted = 0
  let isAtEnd = false
  let printed = Promise.resolve()
  let onRoom = (): void => {}
  let stopReading = (): void => {}
  void interruption.wanted.then(() => stopReading())
  let fatalError: unknown
  const hasStopped = (): boolean => interruption.isWanted || fatalError !== undefined || (halts && counts.failed > 0)
  const isCutOff = (): boolean => interruption.isForced || fatalError !== undefined

  /**
   * The next input; none at their end, or when this is to stop first. Not by a race with a
   * promise that lasts: that would keep each input as long.
   */
  const nextInput = (): Promise<Input | undefined> =>
    new Promise((resolve, reject) => {
      if (hasStopped()) return resolve(undefined)
      stopReading = () => resolve(undefined)
      inputs.next().then(({ done, value }) => {
        isAtEnd = done === true
        resolve(done ? undefined : value)
      }, reject)
    })
  const moreRoom = (): Promise<void> => new Promise(resolve => (onRoom = resolve))

  const mayRetry = (): boolean => {
    if (hasStopped()) return false
    counts.retried++
    return true
  }

  /** Gives nothing of a call that was cut off. */
  const work = async (input: Input): Promise<Attempt | undefined> => {
    running++
    const last = await attempt(call, input, options, mayRetry)
    running--
    onRoom()
    if (isNoFunction(last.error)) {
      fatalError ??= last.error
      stopReading()
    }
    if (last.hasFailed && isCutOff()) {
      notDone.push(input)
      return undefined
    }
    if (last.hasFailed) {
      counts.failed++
      if (halts) stopReading()
      display.clear()
      complain(`${input.text}: ${last.error instanceof Error ? last.error.message : String(last.error)}`)
    } else {
      counts.done++
    }
    display.step()
    return last
  }

  /** What is logged has been printed: no result is lost when this program is killed, and resumed. */
  const print = async (input: Input, result: Promise<Attempt | undefined>, before?: Promise<void>): Promise<void> => {
    unprinted++
    const last = await result
    await before
    try {
      if (last && fatalError === undefined) {
        const { startedAt, milliseconds, lines, error } = last
        if (lines !== undefined) await printLines(lines, display)
        joblog?.add(input, startedAt, milliseconds, { error, bytes: Buffer.byteLength(lines ?? '') })
      }
    } catch (error) {
      fatalError ??= error
      stopReading()
    }
    unprinted--
    onRoom()
  }

  let failure: unknown
  try {
    for (let next = await nextInput(); next; next = await nextInput()) {
      counts.inputs++
      display.expect(counts.inputs)
      if (joblog?.has(next)) {
        counts.skipped++
        display.step()
        continue
      }
      while (fatalError === undefined && (running >= slots || unprinted >= mostUnprinted)) await moreRoom()
      if (hasStopped()) {
        notDone.push(next)
        break
      }
      printed = print(next, work(next), isOrdered ? printed : undefined)
    }
  } catch (error) {
    failure = error // of the inputs; what was begun is finished first
  }
  while (fatalError === undefined && unprinted > 0) await moreRoom()
  failure = fatalError ?? failure
  if (failure !== undefined) throw failure
  return { counts, notDone: notDone.sort((a, b) => a.number - b.number), isAtEnd }
}

/** Whether no input can be done, with this error. */
function isNoFunction(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_EXPORT_NOT_FOUND'
}

/**
 * The last of the attempts at an input: any failure is tried again, as often as it may be.
 *
 * @param mayRetry - whether it may now; asked where it would be
 */
async function attempt(
  call: ForkPool,
  input: Input,
  { retries, timeout }: RunAllOptions,
  mayRetry: () => boolean,
): Promise<Attempt> {
  for (let left = retries; ; left--) {
    const startedAt = Date.now()
    const began = performance.now()
    try {
      const lines = await (timeout === undefined
        ? linesOf(await call(input.value), () => {})
        : linesInTime(call, input, timeout))
      return { startedAt, milliseconds: performance.now() - began, hasFailed: false, lines }
    } catch (error) {
      if (left > 0 && mayRetry()) continue
      return { startedAt, milliseconds: performance.now() - began, hasFailed: true, error }
    }
  }
}

/** The pool sees to calls that do not yield. */
async function linesInTime(call: ForkPool, input: Input, timeout: number): Promise<string | undefined> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onTimeout = (): void =>
    abort.abort(new PoolError('ERR_POOL_TIMEOUT', `the call has been yielding for ${timeout} ms`))
  try {
    return await linesOf(
      await call.with({ signal: abort.signal })(input.value),
      () => (timer = setTimeout(onTimeout, timeout)),
    )
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Resolves when they are written, not only kept to be written.
 *
 * @throws rejects when they cannot be
 */
async function printLines(lines: string, display: Display): Promise<void> {
  if (process.stdout.isTTY) display.clear()
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(`${lines}\n`, error => (error ? reject(error) : resolve())),
  )
}

export function complain(message: string): void {
  process.stderr.write(`fork-pool: ${message}\n`)
}
