import { setTimeout } from 'node:timers/promises'

/**
 * How long tests wait for something that must happen, in milliseconds. Only a failing test waits that long. It is
 * shorter than mocha's timeout, so that the failure names the condition and not only the test.
 */
export const PATIENCE_MS = 100_000

/** The gap between two checks is a tenth of the time that has passed, within these limits. */
const SHORTEST_GAP_MS = 5
const LONGEST_GAP_MS = 50

/**
 * Waits until a condition holds. Wait for an event where there is one.
 *
 * @param condition - called every few milliseconds, and less often the longer it takes
 * @param describe - returns what to add to the error, such as the state that was observed last
 * @throws Error after `PATIENCE_MS`
 */
export async function until(condition: () => boolean | Promise<boolean>, describe?: () => string): Promise<void> {
  const startedAt = performance.now()
  while (!(await condition())) {
    const waited = performance.now() - startedAt
    if (waited > PATIENCE_MS) {
      const what = describe ? describe() : String(condition)
      throw new Error(`condition not met within ${PATIENCE_MS} ms: ${what}`)
    }
    await setTimeout(Math.min(Math.max(waited / 10, SHORTEST_GAP_MS), LONGEST_GAP_MS))
  }
}
