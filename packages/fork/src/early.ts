/**
 * Starts the default template as soon as this module is imported. Import it first: before other modules open descriptors,
 * which the template would inherit. The first `create()` is faster, too. Follows AnyEvent::Fork::Early.
 */
import { ForkProcess } from './fork-process.js'

void ForkProcess.startTemplate()
