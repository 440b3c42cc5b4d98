/**
 * Starts the default template as soon as this module is imported. Import it first: before other modules open
 * descriptors, which the template could inherit. The first `create()` is also faster then. Follows
 * AnyEvent::Fork::Early.
 */
import { ForkProcess } from './fork-process.js'

void ForkProcess.startTemplate()
