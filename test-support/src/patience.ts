import { setTimeout } from 'node:timers/promises'

/**
 * How long tests wait for something that must happen, in milliseconds. Only a failing test waits that long. It is
 * shorter than mocha's timeout, so that the failure names the condition and not only the test.
 */
export const PATIENCE_MS = 30_000

const INTERVAL_MS = 5

/**
 * Waits until a condition holds. Wait for an event where there is one.
 *
 * @param condition - called every few milliseconds
 * @param describe - returns what to add to the error, such as the state that was observed last
 * @throws Error after `PATIENCE_MS`
 */
export async function until(condition: () => boolean | Promise<boolean>, describe?: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const what = describe ? describe() : String(condition)
      throw new Error(`condition not met within ${PATIENCE_MS} ms: ${what}`)
    }
    await setTimeout(INTERVAL_MS)
  }
}
