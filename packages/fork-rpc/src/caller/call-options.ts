import { aBoolean, aFunction, anAbortSignal, checkOptions, type Expectations } from '@anyfork/fdpass/internal'

/** The options of `rpc.with(options)`, for single calls. */
export interface CallOptions {
  /**
   * Aborts the call: it rejects at once with the signal's reason. If the process has not begun the call, it does not
   * begin it. If the call is running, its result is ignored, and with `async` its `callSignal()` is aborted. A stream
   * that the call has returned ends with the reason as its error.
   *
   * @default never aborts
   */
  signal?: AbortSignal
  /**
   * Aborts the call like `signal`, with an `RpcError` of code `ERR_CALL_TIMEOUT`, if it has not been answered within
   * this many milliseconds, at most 2_147_483_647. It does not limit a stream that the call has returned.
   *
   * @default Infinity
   */
  timeout?: number
  /**
   * Kills the process if the call is aborted while it runs, or while the stream that it returned is being iterated. All
   * other calls to the process reject. Only this stops a function that does not return to its event loop.
   *
   * @default false
   */
  killOnAbort?: boolean
  /**
   * Delays the rejection of an aborted call until the process has dropped it. If the call had already begun, it settles
   * with its own result or error instead; if the process ends, with `ERR_PROCESS_EXITED`.
   *
   * @default false
   */
  awaitAbort?: boolean
  /**
   * Receives the values of each `event()` of this call, instead of the option `onEvent` of the connection, until the call
   * has settled and the stream that it returned, if any, has ended. Without `async`, the events of a call are all those
   * that are sent while it runs.
   *
   * @default the option `onEvent` of the connection
   */
  onEvent?: (...values: unknown[]) => void
}

/** The longest delay of `setTimeout`, in milliseconds. */
const LONGEST_MS = 0x7fffffff

const expectations: Expectations<CallOptions> = {
  signal: anAbortSignal,
  timeout: {
    test: value => typeof value === 'number' && ((value >= 0 && value <= LONGEST_MS) || value === Infinity),
    text: `a number of milliseconds from 0 to ${LONGEST_MS}, or Infinity`,
  },
  killOnAbort: aBoolean,
  awaitAbort: aBoolean,
  onEvent: aFunction,
}

/** @throws TypeError if an option does not exist or has an invalid value */
export function checkCallOptions(options: CallOptions): void {
  checkOptions('with()', options, expectations)
}
