import { setImmediate, setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let gc: (() => void) | undefined

/**
 * Collects all garbage, several times: an object may be kept until the turn in which it was used has ended, and a
 * finalizer may release further objects. Finalization callbacks have run when the promise resolves.
 */
export async function collectGarbage(): Promise<void> {
  if (!gc) {
    setFlagsFromString('--expose-gc')
    gc = runInNewContext('gc') as () => void
  }
  for (let i = 0; i < 3; i++) {
    await setImmediate()
    gc()
  }
  await setTimeout(2) // finalization callbacks run in a task of their own
}
