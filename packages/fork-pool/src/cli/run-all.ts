import { PoolError } from '../errors.js'
import type { ForkPool } from '../pool.js'
import type { Input } from './inputs.js'
import type { Interruption } from './interruption.js'
import type { Joblog } from './joblog.js'
import type { Progress } from './progress.js'
import type { Counts } from './report.js'
import { linesOf, printLines } from './result-lines.js'

/** How many results per running call may wait until earlier results are printed. */
const WINDOW = 16

export interface RunAllOptions {
  /** How many calls run at the same time. */
  slots: number
  /** Whether results are printed in the order of the inputs. */
  isOrdered: boolean
  /** How often a failed call is repeated. */
  retries: number
  /** The maximum duration of a stream, in milliseconds. The pool limits other calls itself. */
  timeout: number | undefined
  /** Whether nothing more begins after a failure. */
  halts: boolean
  joblog: Joblog | undefined
  interruption: Interruption
  progress: Progress
}

export interface RunAllOutcome {
  counts: Counts
  /** Inputs that were read but not begun, or whose call was cut off. */
  notDone: Input[]
  /** Whether all inputs have been read. */
  isAtEnd: boolean
}

/** The outcome of an input's last call. */
interface Attempt {
  /** In milliseconds since 1970. */
  startedAt: number
  milliseconds: number
  hasFailed: boolean
  /** The result, without the final line feed. */
  lines?: string | undefined
  error?: unknown
}

/**
 * Calls a function once for each input. Prints each result as a line of JSON, or each value that the function yields.
 *
 * @throws rejects with the error of `inputs`, after the running calls have ended
 * @throws rejects at once with the error of standard output, or with `ERR_EXPORT_NOT_FOUND` if there is no such function
 */
export async function runAll(
  call: ForkPool,
  inputs: AsyncIterator<Input>,
  options: RunAllOptions,
): Promise<RunAllOutcome> {
  const { slots, isOrdered, halts, joblog, interruption, progress } = options
  const counts: Counts = { inputs: 0, done: 0, failed: 0, skipped: 0, notDone: 0, retried: 0 }
  const notDone: Input[] = []
  const mostUnprinted = isOrdered ? slots * WINDOW : slots
  let running = 0
  let unprinted = 0
  let isAtEnd = false
  let printed = Promise.resolve()
  let onSlotFree = (): void => {}
  let stopReading = (): void => {}
  void interruption.requested.then(() => stopReading())
  let fatalError: unknown
  const hasStopped = (): boolean => interruption.isRequested || fatalError !== undefined || (halts && counts.failed > 0)
  const isCutOff = (): boolean => interruption.isForced || fatalError !== undefined

  /**
   * Reads the next input. Returns undefined at the end, or as soon as `stopReading` is called. (A race with one lasting
   * promise would retain every input as long as that promise.)
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
  const slotFree = (): Promise<void> => new Promise(resolve => (onSlotFree = resolve))

  /** Counts a retry, unless no call may begin any more. */
  const tryToRetry = (): boolean => {
    if (hasStopped()) return false
    counts.retried++
    return true
  }

  /** Calls the function for one input. Returns undefined if the call was cut off. */
  const work = async (input: Input): Promise<Attempt | undefined> => {
    running++
    const last = await attempt(call, input, options, tryToRetry)
    running--
    onSlotFree()
    if (isFunctionMissing(last.error)) {
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
      progress.clear()
      complain(`${input.text}: ${last.error instanceof Error ? last.error.message : String(last.error)}`)
    } else {
      counts.done++
    }
    progress.step()
    return last
  }

  /** Prints a result, then logs it, so that no result is lost if this program is killed and resumed. */
  const print = async (input: Input, result: Promise<Attempt | undefined>, before?: Promise<void>): Promise<void> => {
    unprinted++
    const last = await result
    await before
    try {
      if (last && fatalError === undefined) {
        const { startedAt, milliseconds, lines, error } = last
        if (lines !== undefined) await printLines(lines, progress)
        joblog?.add(input, startedAt, milliseconds, { error, bytes: Buffer.byteLength(lines ?? '') })
      }
    } catch (error) {
      fatalError ??= error
      stopReading()
    }
    unprinted--
    onSlotFree()
  }

  let failure: unknown
  try {
    for (let next = await nextInput(); next; next = await nextInput()) {
      counts.inputs++
      progress.expect(counts.inputs)
      if (joblog?.has(next)) {
        counts.skipped++
        progress.step()
        continue
      }
      while (fatalError === undefined && (running >= slots || unprinted >= mostUnprinted)) await slotFree()
      if (hasStopped()) {
        notDone.push(next)
        break
      }
      printed = print(next, work(next), isOrdered ? printed : undefined)
    }
  } catch (error) {
    failure = error // thrown after the running calls have ended
  }
  while (fatalError === undefined && unprinted > 0) await slotFree()
  failure = fatalError ?? failure
  if (failure !== undefined) throw failure
  return { counts, notDone: notDone.sort((a, b) => a.number - b.number), isAtEnd }
}

/** Returns whether every call will fail with this error. */
function isFunctionMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_EXPORT_NOT_FOUND'
}

/**
 * Calls the function until it succeeds or may not be repeated.
 *
 * @param tryToRetry - called before each retry; returns whether it may be made
 */
async function attempt(
  call: ForkPool,
  input: Input,
  { retries, timeout }: RunAllOptions,
  tryToRetry: () => boolean,
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
      if (left > 0 && tryToRetry()) continue
      return { startedAt, milliseconds: performance.now() - began, hasFailed: true, error }
    }
  }
}

/** Calls the function. If it yields values, limits the duration of the stream. */
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

/** Writes a message to standard error. */
export function complain(message: string): void {
  process.stderr.write(`fork-pool: ${message}\n`)
}
