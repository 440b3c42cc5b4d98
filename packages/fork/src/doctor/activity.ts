import type { Finding } from '../check-report.js'
import { getBaseline } from '../safety/baseline.js'

/** By Node's names: what becomes of an active handle in a child. */
const handles: Record<string, [severity: Finding['severity'], text: string, advice: string]> = {
  ProcessWrap: [
    'warns',
    'a child process: its end is never told to a forked process, which waits for it and does not end by itself',
    'start it in the child, or wait for its end',
  ],
  Timeout: [
    'warns',
    'a timer: it runs in every child, too, which does not end by itself before',
    'unref() or clear it, or start it in the function',
  ],
  Immediate: ['notes', 'an immediate: it runs in every child, too', 'wait for it'],
  FSEventWrap: ['notes', 'a watched file: every child watches it, too', 'close() it, or start it in the function'],
  StatWatcher: [
    'notes',
    'a watched file: every child watches it, too',
    'unwatchFile() it, or start it in the function',
  ],
}

/** Active handles and requests, by Node's names, and how many of each. */
export function countActiveResources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** What is known of active handles; sockets and pipes are told of as descriptors. */
export function checkHandles(resources: Record<string, number>): Finding[] {
  return Object.entries(handles).flatMap(([type, [severity, text, advice]]) => {
    const count = resources[type]
    return count
      ? [{ severity, topic: 'handle' as const, subject: count > 1 ? `${type} (${count})` : type, text, advice }]
      : []
  })
}

/** Listeners that children have, too. */
export function checkListeners(): Finding[] {
  const { listeners } = getBaseline()
  return process.eventNames().flatMap(event => {
    const isNew = process.rawListeners(event as 'exit').some(listener => !listeners.has(listener))
    const text = isNew ? telling(String(event)) : undefined
    return text
      ? [
          {
            severity: 'notes',
            topic: 'listener',
            subject: String(event),
            text,
            advice: 'add it in the function, or look at process.pid in it',
          },
        ]
      : []
  })
}

/** Bytes that children would write, too. */
export function checkOutput(): Finding[] {
  return [...getBaseline().usedStreams].flatMap(name => {
    const { writableLength } = process[name]
    if (!writableLength) return []
    const text = `${writableLength} bytes are not written yet: every child would write them again`
    return [
      {
        severity: 'warns',
        topic: 'output',
        subject: name,
        text,
        advice: 'wait for the callback of write(), or uncork() what was corked',
      },
    ]
  })
}

function telling(event: string): string | undefined {
  if (event === 'exit' || event === 'beforeExit') return `it is called at the end of every child, too`
  if (event === 'uncaughtException' || event === 'unhandledRejection')
    return `it is called for what is thrown in every child, too`
  return /^SIG[A-Z]/.test(event) ? `children do not end by that signal either` : undefined
}
