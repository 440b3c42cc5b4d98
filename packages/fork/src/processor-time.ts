import { binding } from './binding.js'

/**
 * Returns how much processor time a process has used so far, by all of its threads. Takes less than a microsecond.
 *
 * @param pid - a process id
 * @returns milliseconds, or `undefined` if there is no such process, or where the system cannot tell, as on macOS
 */
export function processorTimeOf(pid: number): number | undefined {
  const milliseconds = binding.processorTime(pid)
  return milliseconds < 0 ? undefined : milliseconds
}
