export { loadFunction, loadModule } from './modules.js'
export { hasUnwrittenOutput, outputWritten } from './output.js'
export { runArgs } from './run-args.js'
