import { setFlagsFromString } from 'node:v8'
import { binding } from '../binding.js'
import { TAKE_ORDERS } from '../entry-files.js'

delete process.env['ANYFORK_STARTED'] // see STARTED_VARIABLE
binding.ignoreInterrupt(1) // Ctrl-C is meant for the program, even while this interpreter starts

/** The modules that take longest to load of all that this package uses. */
const used = ['@anyfork/fdpass', 'node:child_process', 'node:crypto', 'node:worker_threads']
for (const name of used) await import(name)

// V8 compiles a function at its first call, so each child would compile it anew. Compile all of this package's here.
// Users' functions stay lazy.
setFlagsFromString('--no-lazy')
const { takeOrders } = (await import(TAKE_ORDERS)) as typeof import('./take-orders.js')
setFlagsFromString('--lazy')
await takeOrders()
