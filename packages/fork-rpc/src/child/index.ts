export { event } from './events.js'
