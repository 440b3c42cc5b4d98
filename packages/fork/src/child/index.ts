export { runArgs } from './prepare.js'
