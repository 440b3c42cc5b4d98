import { setFlagsFromString } from 'node:v8'
import { binding } from '../binding.js'

binding.ignoreInterrupt(1) // at a terminal it is meant for the program, also while this one starts

// A function is compiled when it is first called: in every child anew, unless here at once.
setFlagsFromString('--no-lazy')
const { takeOrders } = await import('./take-orders.js')
setFlagsFromString('--lazy')
await takeOrders()
