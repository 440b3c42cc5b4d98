export { fd, type PassedDescriptor } from '../values/passed-descriptor.js'
export { callSignal } from './call-signal.js'
export { event, flush, isWorker } from './events.js'
export { type Done, withDone } from './with-done.js'
