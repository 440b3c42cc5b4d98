import { event } from '@anyfork/fork-rpc/child'
import { values } from './values.js'

export { values } from './values.js'

/** Sends each value as an event. */
export function sendEvents(count: number, characters: number): void {
  for (const value of values(count, characters)) event(...value)
}
