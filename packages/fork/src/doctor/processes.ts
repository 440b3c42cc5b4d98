import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { Finding } from '../check-report.js'

/**
 * Reports the child processes that code has started, such as the service of a compiler.
 *
 * @param own - the pids of the children that this package has made
 */
export function checkProcesses(own: ReadonlySet<number>): Finding[] {
  return childrenOfAllThreads()
    .filter(pid => !own.has(pid))
    .flatMap(pid => {
      const name = programOf(pid)
      if (name === undefined) return []
      return [
        {
          severity: 'warns',
          topic: 'process',
          subject: name,
          text: `process ${pid}, which code has started: forks share its pipes, so that its answers reach any one of them, and they never learn of its exit`,
          advice:
            'start it in the child: in the function or in a hook of afterFork(); end it before, or in a hook of beforeFork()',
        },
      ]
    })
}

/** Returns the pids of the children of this process, proc_tid_children(5); none if the kernel does not list them. */
function childrenOfAllThreads(): number[] {
  try {
    return readdirSync('/proc/self/task').flatMap(thread =>
      readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

/** Returns the name of the program that a process runs; `undefined` if it has ended. */
function programOf(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`))
  } catch {
    return undefined
  }
}
