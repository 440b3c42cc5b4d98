/** What @anyfork/fork-rpc uses on the child's side. Not part of the documented API: it may change in any release. */
export { hasUnwrittenOutput, outputWritten } from '../safety/output.js'
export { loadFunction, loadModule } from './modules.js'
