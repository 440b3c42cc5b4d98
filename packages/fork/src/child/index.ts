export { loadFunction, loadModule } from './modules.js'
export { runArgs } from './run-args.js'
