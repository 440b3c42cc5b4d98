/**
 * Starts the default template as soon as this module is imported. Import it first: the template then starts while other
 * modules are loaded, and the first `create()` is faster. Follows AnyEvent::Fork::Early.
 */
import { ForkProcess } from './fork-process.js'
import { STARTED_VARIABLE } from './interpreter.js'

if (process.env[STARTED_VARIABLE] === undefined) void ForkProcess.startTemplate() // a template preloads this, too
