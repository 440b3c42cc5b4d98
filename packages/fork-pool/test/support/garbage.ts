import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects garbage, not in the turn of the caller, where it may be in use; and lets those be told who want to know. */
export async function collect(): Promise<void> {
  await setTimeout(2)
  gc()
  await setTimeout(2)
}
