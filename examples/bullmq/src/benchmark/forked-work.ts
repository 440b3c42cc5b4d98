import { load } from './load.js'

await load() // in the template

export { forkedWork } from '../forked-work.js'
