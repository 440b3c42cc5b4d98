import { PoolError } from '../errors.js'
import type { ForkPool } from '../pool.js'
import { complain, textOfFailure } from './failure.js'
import type { Input } from './inputs.js'
import type { Interruption } from './interruption.js'
import type { Joblog } from './joblog.js'
import type { Progress } from './progress.js'
import type { Counts } from './report.js'
import { printText, type ResultText, tagged, textOfResult } from './result-text.js'
import type { ResultsFolder } from './results-folder.js'

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
  /** Whether strings are printed as they are. */
  isRaw: boolean
  /** Whether each line of a result begins with its input. */
  isTagged: boolean
  joblog: Joblog | undefined
  results: ResultsFolder | undefined
  /** Returns the arguments of the call for an input. */
  argsOf(input: Input): unknown[]
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
  text?: ResultText | undefined
  error?: unknown
}

/**
 * Calls a function once for each input. Prints each result on a line, or each value that the function yields.
 *
 * @throws rejects with the error of `inputs`, after the running calls have ended
 * @throws rejects at once with the error of standard output, or with `ERR_EXPORT_NOT_FOUND` if there is no such function
 */
export async function runAll(
  call: ForkPool,
  inputs: AsyncIterator<Input>,
  options: RunAllOptions,
): Promise<RunAllOutcome> {
  const { slots, isOrdered, isTagged, halts, joblog, results, interruption, progress } = options
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
      complain(`${input.text}: ${textOfFailure(last.error)}`)
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
        const { startedAt, milliseconds, text, hasFailed, error } = last
        const tag = isTagged ? input.text : undefined
        if (process.stdout.isTTY || results) progress.clear()
        await results?.repeatOutput(input, tag)
        if (text !== undefined) {
          results?.addResult(input, text)
          await printText(tag === undefined ? text : tagged(tag, text))
        }
        if (hasFailed) results?.addFailure(input, textOfFailure(error))
        joblog?.add(input, startedAt, milliseconds, { error, bytes: Buffer.byteLength(text ?? '') })
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
  options: RunAllOptions,
  tryToRetry: () => boolean,
): Promise<Attempt> {
  const { timeout, isRaw, argsOf } = options
  for (let left = options.retries; ; left--) {
    const startedAt = Date.now()
    const began = performance.now()
    try {
      const args = argsOf(input)
      const text = await (timeout === undefined
        ? textOfResult(await call(...args), isRaw, () => {})
        : textInTime(call, args, isRaw, timeout))
      return { startedAt, milliseconds: performance.now() - began, hasFailed: false, text }
    } catch (error) {
      if (left > 0 && tryToRetry()) continue
      return { startedAt, milliseconds: performance.now() - began, hasFailed: true, error }
    }
  }
}

/** Calls the function. If it yields values, limits the duration of the stream. */
async function textInTime(
  call: ForkPool,
  args: unknown[],
  isRaw: boolean,
  timeout: number,
): Promise<ResultText | undefined> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const onTimeout = (): void =>
    abort.abort(new PoolError('ERR_POOL_TIMEOUT', `the call has been yielding for ${timeout} ms`))
  try {
    return await textOfResult(
      await call.with({ signal: abort.signal })(...args),
      isRaw,
      () => (timer = setTimeout(onTimeout, timeout)),
    )
  } finally {
    clearTimeout(timer)
  }
}
