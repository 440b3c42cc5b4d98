import type { Finding } from '../check-report.js'
import { counted } from '../counted.js'
import { getBaseline } from '../safety/baseline.js'
import { usedOutputs } from '../safety/output.js'

/** What an active handle means for children, by Node's type names. */
const handles: Record<string, [severity: Finding['severity'], text: string, advice: string]> = {
  ProcessWrap: [
    'warns',
    'a child process: forked processes never learn of its exit, so they wait for it and do not end',
    'start it in the child, or wait until it has exited',
  ],
  Timeout: [
    'warns',
    'a timer: it runs in every child as well and keeps it from ending',
    'clear it, unref() it, or start it in the function',
  ],
  Immediate: ['notes', 'an immediate: it runs in every child as well', 'wait for it'],
  FSEventWrap: [
    'notes',
    'a watched file: every child watches it as well',
    'close() the watcher, or start it in the function',
  ],
  StatWatcher: [
    'notes',
    'a watched file: every child watches it as well',
    'call unwatchFile(), or watch it in the function',
  ],
}

/** Counts the active handles and requests by type, in Node's names. */
export function countActiveResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Reports active handles. Sockets and pipes are reported as descriptors instead. */
export function checkHandles(resources: Record<string, number>): Finding[] {
  return Object.entries(handles).flatMap(([type, [severity, text, advice]]) => {
    const count = resources[type]
    return count
      ? [{ severity, topic: 'handle' as const, subject: count > 1 ? `${type} (${count})` : type, text, advice }]
      : []
  })
}

/** Reports the listeners that children inherit. */
export function checkListeners(): Finding[] {
  const { listeners } = getBaseline()
  return process.eventNames().flatMap(event => {
    const isNew = process.rawListeners(event as 'exit').some(listener => !listeners.has(listener))
    const text = isNew ? effectOf(String(event)) : undefined
    return text
      ? [
          {
            severity: 'notes',
            topic: 'listener',
            subject: String(event),
            text,
            advice: 'add it in the function, or compare process.pid in it',
          },
        ]
      : []
  })
}

/** Reports unwritten text, which children would write as well. */
export function checkOutput(): Finding[] {
  return usedOutputs().flatMap(name => {
    const { writableLength } = process[name]
    if (!writableLength) return []
    const text = `${counted(writableLength, 'byte')} not written yet: every child would write them again`
    return [
      {
        severity: 'warns',
        topic: 'output',
        subject: name,
        text,
        advice: 'wait for the callback of write(), or uncork() the stream',
      },
    ]
  })
}

function effectOf(event: string): string | undefined {
  if (event === 'exit' || event === 'beforeExit') return 'it is also called when a child ends'
  if (event === 'uncaughtException' || event === 'unhandledRejection') return 'it is also called for errors in children'
  return /^SIG[A-Z]/.test(event) ? 'the signal does not end children, either' : undefined
}
