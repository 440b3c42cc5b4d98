import { constants } from 'node:os'
import { anInteger, checkArgument, type Expectation } from '@anyfork/fdpass/internal'
import type { Finding } from './check-report.js'

/** How a process ended: its exit code or the signal that ended it; both `null` when nobody could tell. */
export interface ExitStatus {
  code: number | null
  signal: NodeJS.Signals | null
}

/** What is special about an error of this package; the README lists the codes. */
export type ForkErrorCode =
  | 'ERR_ACTIVE_HANDLES'
  | 'ERR_CANNOT_REPLAY'
  | 'ERR_EVAL_FAILED'
  | 'ERR_EXPORT_NOT_FOUND'
  | 'ERR_FOREIGN_THREADS'
  | 'ERR_MODULE_FAILED'
  | 'ERR_MODULE_NOT_FOUND'
  | 'ERR_NOT_FORKABLE'
  | 'ERR_NOT_OWNED'
  | 'ERR_PENDING_REQUESTS'
  | 'ERR_PROCESS_EXITED'
  | 'ERR_PROTOCOL'
  | 'ERR_WARM_FAILED'
  | 'ERR_WORKER_UNSUPPORTED'

/** An error of this package. */
export class ForkError extends Error {
  /** Which error it is. */
  readonly code: ForkErrorCode

  constructor(code: ForkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ForkError'
    this.code = code
  }
}

/** A process has ended while something was expected of it. */
export class ProcessExitedError extends ForkError {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null

  constructor(status: ExitStatus, what = 'process') {
    super('ERR_PROCESS_EXITED', `${what} ${describeExit(status)}`)
    this.exitCode = status.code
    this.signal = status.signal
  }
}

/** This program cannot be forked, now or at all. */
export class NotForkableError extends ForkError {
  /** What stands in the way, and what to do about it. */
  readonly findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    const reasons = findings.map(({ topic, subject, text, advice }) => `${topic} ${subject}: ${text} (${advice})`)
    super('ERR_NOT_FORKABLE', `this program cannot be forked:\n- ${reasons.join('\n- ')}`)
    this.findings = findings
  }
}

/** In words, how a process ended: `exited with code 3`. */
export function describeExit({ code, signal }: ExitStatus): string {
  if (signal !== null) return `was ended by ${signal}`
  return code === null ? 'has ended' : `exited with code ${code}`
}

/** Of names of one number, such as SIGABRT and SIGIOT, the first is the usual one. */
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
 * The number of a signal by its name, or a number as it is.
 *
 * @throws TypeError for what is no signal
 */
export function signalNumber(signal: NodeJS.Signals | number): number {
  checkArgument('signal', signal, aSignal)
  return typeof signal === 'number' ? signal : constants.signals[signal]
}

/** The name of a signal by its number; `null` for 0. */
export function signalName(number: number): NodeJS.Signals | null {
  if (number === 0) return null
  return signalNames.get(number) ?? (`SIG${number}` as NodeJS.Signals)
}
