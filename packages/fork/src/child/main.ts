import { setFlagsFromString } from 'node:v8'
import { binding } from '../binding.js'
import { TAKE_ORDERS } from '../entry-files.js'

binding.ignoreInterrupt(1) // at a terminal it is meant for the program, also while this one starts

/** What takes longest to load of all that this package uses. */
const used = ['@anyfork/fdpass', 'node:child_process', 'node:crypto', 'node:worker_threads']
for (const name of used) await import(name)

// A function is compiled when it is first called: in every child anew, unless here at once. Those of others are left as they are.
setFlagsFromString('--no-lazy')
const { takeOrders } = (await import(TAKE_ORDERS)) as typeof import('./take-orders.js')
setFlagsFromString('--lazy')
await takeOrders()
