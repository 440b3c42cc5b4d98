import { binding } from '../binding.js'

binding.ignoreInterrupt(1) // at a terminal it is meant for the program, also while this one starts

const { takeOrders } = await import('./take-orders.js')
await takeOrders()
