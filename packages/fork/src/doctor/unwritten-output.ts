import type { Finding } from '../check-report.js'
import { getBaseline } from '../safety/baseline.js'

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
