export { loadFunction, loadModule } from './modules.js'
export { hasUnwrittenOutput, outputWritten } from '../safety/output.js'
export { runArgs } from './run-args.js'
