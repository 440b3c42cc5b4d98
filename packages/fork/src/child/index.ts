export { runArgs } from './run-args.js'
