import { run, type ForkProcess, type ModuleSpecifier } from '@anyfork/fork-rpc'
import type { Call } from './call.js'
import type { PoolSettings } from './pool-options.js'
import { RETIRE } from './retire-event.js'

/** How a worker is spoken to. */
export interface Connection {
  call(call: Call): Promise<unknown>
  ready(): Promise<void>
  close(): Promise<void>
  destroy(): Promise<void>
  readonly isAlive: boolean
  readonly ended: Promise<unknown>
}

/**
 * Makes a forked process serve calls.
 *
 * @param onRetire - called when it wants no more
 */
export type ConnectWorker = (process: ForkProcess, onRetire: () => void) => Connection

/** One function of a module. */
export function oneFunction(module: ModuleSpecifier, name: string, settings: PoolSettings): ConnectWorker {
  const { async, init, serialiser, onEvent } = settings
  return (process, onRetire) => {
    const rpc = run(process, module, name, {
      async,
      serialiser,
      ...(init !== undefined && { init }),
      onEvent: (...values) => (values.length === 1 && values[0] === RETIRE ? onRetire() : onEvent?.(...values)),
      onError: () => {}, // its calls and `ended` tell
    })
    return {
      call: ({ args }) => rpc(...args),
      ready: () => rpc.ready(),
      close: () => rpc.close(),
      destroy: () => rpc.destroy(),
      ended: rpc.ended,
      get isAlive() {
        return rpc.isAlive
      },
    }
  }
}
