export { fd, type PassedDescriptor } from '../fd.js'
export { event, flush } from './events.js'
export { callSignal } from './call-signal.js'
export { withDone, type Done } from './with-done.js'
