import { event } from '@anyfork/fork-rpc/child'
import { RETIRE } from '../retire-event.js'

export { callSignal, type Done, event, fd, flush, type PassedDescriptor, withDone } from '@anyfork/fork-rpc/child'

/**
 * Asks the pool for no more calls: those that this worker has are finished, then it is
 * ended and replaced. Follows AnyEvent::Fork::Pool::retire.
 *
 * @throws Error in a process that serves no calls
 */
export function retire(): void {
  event(RETIRE)
}
