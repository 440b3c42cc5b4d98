export { event, flush } from './events.js'
export { withDone, type Done } from './with-done.js'
