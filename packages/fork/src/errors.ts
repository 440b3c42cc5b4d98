import { constants } from 'node:os'
import {
  anInteger,
  anything,
  checkArgument,
  checkOptions,
  type Expectation,
  type Expectations,
} from '@anyfork/fdpass/internal'
import type { Finding } from './check-report.js'

/**
 * How a process ended: with an exit code or by a signal. Both are `null` if no process was left that could report it.
 */
export interface ExitStatus {
  /** The exit code, 0 to 255; `null` if a signal ended the process or the status is unknown. */
  code: number | null
  /** The signal that ended the process, else `null`. */
  signal: NodeJS.Signals | null
}

/** The codes of the errors of this package. The README explains each. */
export type ForkErrorCode =
  | 'ERR_ACTIVE_HANDLES'
  | 'ERR_CALL_FAILED'
  | 'ERR_CANNOT_COPY'
  | 'ERR_CANNOT_REPLAY'
  | 'ERR_EVAL_FAILED'
  | 'ERR_EXPORT_NOT_FOUND'
  | 'ERR_FOREIGN_THREADS'
  | 'ERR_FORK_IMPOSSIBLE'
  | 'ERR_MODULE_FAILED'
  | 'ERR_MODULE_NOT_FOUND'
  | 'ERR_NO_INTERPRETER'
  | 'ERR_NO_PROC'
  | 'ERR_NOT_FORKABLE'
  | 'ERR_NOT_OWNED'
  | 'ERR_NOT_PERMITTED'
  | 'ERR_PENDING_REQUESTS'
  | 'ERR_PROCESS_EXITED'
  | 'ERR_PROTOCOL'
  | 'ERR_REMOTE'
  | 'ERR_START_TIMEOUT'
  | 'ERR_WARM_FAILED'
  | 'ERR_WORKER_UNSUPPORTED'

/** An error of this package, as opposed to one of the kernel or a TypeError for misuse. */
export class ForkError extends Error {
  /** Identifies the error. */
  readonly code: ForkErrorCode

  constructor(code: ForkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ForkError'
    this.code = code
  }
}

/** What is known of the end of a process besides its exit status. */
export interface ExitDetails {
  /** Why it ended, as the end of a sentence. */
  reason?: string | undefined
  /** The error that ended it. */
  cause?: unknown
}

const expectations: Expectations<ExitDetails> = {
  reason: { test: value => typeof value === 'string', text: 'a string' },
  cause: anything,
}

/** `ERR_PROCESS_EXITED`: a process has ended and gives no more answers. */
export class ProcessExitedError extends ForkError {
  /** `null` if a signal ended the process, or if its exit was not reported. */
  readonly exitCode: number | null
  /** `null` if the process has exited by itself, or if its exit was not reported. */
  readonly signal: NodeJS.Signals | null

  /**
   * @param what - begins the message
   * @param details - ends the message, and the error that ended the process
   * @throws TypeError for invalid details
   */
  constructor(status: ExitStatus, what = 'process', details: ExitDetails = {}) {
    checkOptions('new ProcessExitedError()', details, expectations)
    const { reason, cause } = details
    super(
      'ERR_PROCESS_EXITED',
      `${what} ${describeExit(status)}${reason === undefined ? '' : `: ${reason}`}`,
      cause === undefined ? undefined : { cause },
    )
    this.exitCode = status.code
    this.signal = status.signal
  }
}

/** `ERR_NOT_FORKABLE`: this program cannot be forked, now or ever. */
export class NotForkableError extends ForkError {
  /** What prevents the fork, and what to do about it. */
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    const reasons = findings.map(({ topic, subject, text, advice }) => `${topic} ${subject}: ${text} (${advice})`)
    super('ERR_NOT_FORKABLE', `this program cannot be forked:\n- ${reasons.join('\n- ')}`)
    this.findings = findings
  }
}

/** Describes how a process ended: `exited with code 3`. */
export function describeExit({ code, signal }: ExitStatus): string {
  if (signal !== null) return `was ended by ${signal}`
  return code === null ? 'has ended' : `exited with code ${code}`
}

/**
 * Maps numbers to names. Where a number has several names, the first one in the list is the usual one: SIGABRT, not
 * SIGIOT.
 */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
)

const aSignalNumber = anInteger(0, 64)
const aSignal: Expectation = {
  test: value => aSignalNumber.test(typeof value === 'string' ? constants.signals[value as NodeJS.Signals] : value),
  text: 'the name of a signal or a number from 0 to 64',
}

/**
 * Returns the number of a signal.
 *
 * @throws TypeError if there is no such signal
 */
export function signalNumber(signal: NodeJS.Signals | number): number {
  checkArgument('signal', signal, aSignal)
  return typeof signal === 'number' ? signal : constants.signals[signal]
}

/** Returns the name of a signal; `null` for 0. */
export function signalName(number: number): NodeJS.Signals | null {
  if (number === 0) return null
  return signalNames.get(number) ?? (`SIG${number}` as NodeJS.Signals)
}
