import { readFileSync } from 'node:fs'

/**
 * Returns a size from the status of a process, proc_pid_status(5). Unlike `memoryOf`, it does not visit each page.
 *
 * @param pid - its process id, in the pid namespace of `/proc`, or `'self'`
 * @param field - `'VmRSS'`: all resident memory; `'RssAnon'`: the part of it that no file backs
 * @returns bytes; 0 if the process has ended, where there is no `/proc`, or if no descriptor is free
 */
export function bytesInStatus(pid: number | 'self', field: 'VmRSS' | 'RssAnon'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  } catch {
    return 0
  }
}
