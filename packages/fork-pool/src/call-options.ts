import { checkNames, checkRestrictions } from '@anyfork/fork/internal'
import { type Restrictions } from '@anyfork/fork-rpc'

/** What may be said of a call beside its arguments. */
export interface CallOptions {
  /**
   * Rejects the call with the signal's reason. A waiting call is dropped. One that runs
   * is given up: its worker is killed, or in an `async` pool retired, and killed when it
   * has nothing else to do.
   */
  signal?: AbortSignal
  /**
   * Longest time that it may run, in milliseconds, not counting its wait for a worker; then
   * it rejects with `ERR_POOL_TIMEOUT` and is given up as above. A stream
   * only has to begin in that time; `signal` ends it. Infinity: any.
   */
  timeout?: number
  /** Higher comes first; default 0. */
  priority?: number
  /**
   * Calls with equal keys go to the same worker, as long as it takes calls. When it is
   * replaced, the next goes to another, also while it still runs those that it has.
   */
  key?: unknown
  /** How often it is made again when its worker died of it; default 0. A function that has been run in part runs again. */
  retries?: number
  /** What its process may use and do; only where each call has its own, with `isolate`. */
  restrict?: Restrictions
}

/** The same with defaults. */
export interface CallSettings extends CallOptions {
  priority: number
  retries: number
}

/** The longest time that setTimeout takes. */
const LONGEST_MS = 2 ** 31 - 1
const known = new Set(['signal', 'timeout', 'priority', 'key', 'retries', 'restrict'])

/**
 * @returns the options with their defaults
 * @throws TypeError for what makes no sense
 */
export function callSettings(options: CallOptions, defaults: CallSettings, isIsolated: boolean): CallSettings {
  check(options, isIsolated)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return { ...defaults, ...given }
}

function check(options: CallOptions, isIsolated: boolean): void {
  checkNames('a call', options, known)
  const { signal, timeout, priority, key, retries, restrict } = options
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError('signal is an AbortSignal')
  if (timeout !== undefined) checkTimeout(timeout)
  if (priority !== undefined && (typeof priority !== 'number' || Number.isNaN(priority)))
    throw new TypeError(`priority is a number, not ${String(priority)}`)
  if (retries !== undefined) checkCount('retries', retries)
  if (key !== undefined && isIsolated) throw new TypeError('a key is for workers that live on, not with isolate')
  if (restrict === undefined) return
  if (!isIsolated) throw new TypeError('restrict is for calls that have a process of their own, with isolate')
  checkRestrictions(restrict)
}

/** @throws TypeError for what is no time that a timer can measure */
export function checkMilliseconds(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0 && value <= LONGEST_MS))
    throw new TypeError(`${name} is a number of milliseconds from 0 to ${LONGEST_MS}, not ${String(value)}`)
}

/** @throws TypeError for what is no such time, nor Infinity, for any */
export function checkTimeout(value: unknown): void {
  if (value !== Infinity) checkMilliseconds('timeout', value)
}

/** @throws TypeError for what is no integer from 0, or from another number, or Infinity */
export function checkCount(name: string, value: unknown, least = 0): void {
  if (value !== Infinity && (!Number.isInteger(value) || (value as number) < least))
    throw new TypeError(`${name} is an integer from ${least}, not ${String(value)}`)
}
