import { event } from '@anyfork/fork-rpc/child'
import { RETIRE } from '../retire-event.js'

export {
  callSignal,
  type Done,
  event,
  fd,
  flush,
  isWorker,
  type PassedDescriptor,
  withDone,
} from '@anyfork/fork-rpc/child'

/**
 * Asks the pool to replace this worker. The pool sends it no more calls, lets it complete those that it has, ends it,
 * and starts another worker when one is needed. Does nothing in a process that is neither a worker nor a template.
 * Follows AnyEvent::Fork::Pool::retire.
 *
 * @throws Error during `init`, and in a template
 */
export function retire(): void {
  event(RETIRE)
}
