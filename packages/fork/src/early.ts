/**
 * To be imported first of all, for its effect: starts the default template before
 * anything else is opened, so that it has none of it, and the first `create()` is
 * quick. As AnyEvent::Fork::Early.
 */
import { ForkProcess } from './fork-process.js'

void ForkProcess.startTemplate()
