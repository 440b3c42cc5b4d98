import { setFlagsFromString } from 'node:v8'

// A function is compiled when it is first called: in every child anew, unless here at once.
setFlagsFromString('--no-lazy')
const { takeOrders } = await import('./take-orders.js')
setFlagsFromString('--lazy')
await takeOrders()
