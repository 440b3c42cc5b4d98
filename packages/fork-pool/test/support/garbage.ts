import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects garbage, and lets those be told who want to know. */
export async function collect(): Promise<void> {
  gc()
  await setTimeout(5)
}
