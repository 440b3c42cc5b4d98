import { event } from '@anyfork/fork-pool/child'
import { type WorkData, work } from './work.js'

process.on('SIGINT', () => {}) // Ctrl-C reaches all processes: the consumer decides when this one ends

/** What the workers of the pool run: the work of a job, with its progress as events. */
export function forkedWork(data: WorkData, attempt: number): string {
  return work(data, attempt, progress => void event(progress))
}
