import { tracingChannel } from 'node:diagnostics_channel'
import { CallPromise } from './call-promise.js'

/** What subscribers get of a call; the same object at each of its steps. */
export interface CallTrace {
  /** Where its module is; none for a global function. */
  module: string | undefined
  /** The exported function. */
  name: string
  args: readonly unknown[]
  /** The process, once known. */
  pid: number | undefined
  /** From `asyncEnd` on, when it succeeded. */
  result?: unknown
  /** From `error` on, when it failed. */
  error?: unknown
}

const channel = tracingChannel<unknown, CallTrace>('anyfork:rpc:call')
const { start, end, asyncStart, asyncEnd, error } = channel

/** Whether anybody wants to know of calls. */
export function isTraced(): boolean {
  return (
    start.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers
  )
}

/** Tells subscribers of a call, as `TracingChannel.tracePromise` does. */
export function trace(context: CallTrace, make: () => CallPromise): CallPromise {
  return start.runStores(context, () => {
    const call = make()
    end.publish(context)
    return new CallPromise((resolve, reject) => {
      call.then(
        result => {
          context.result = result
          asyncStart.publish(context)
          resolve(result)
          asyncEnd.publish(context)
        },
        (reason: unknown) => {
          context.error = reason
          error.publish(context)
          asyncStart.publish(context)
          reject(reason as Error)
          asyncEnd.publish(context)
        },
      )
    })
  })
}
