/**
 * Starts the default template as soon as this module is imported. Import it first: the template then starts while other
 * modules are loaded, and the first `create()` is faster. Follows AnyEvent::Fork::Early.
 */
import { ForkProcess } from './fork-process.js'

void ForkProcess.startTemplate()
