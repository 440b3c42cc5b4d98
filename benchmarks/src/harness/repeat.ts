/**
 * Repeats an asynchronous step in several loops that run side by side.
 *
 * @param concurrency - the number of loops
 * @param isDone - called before each step; its loop ends when it returns true
 * @param check - called with the result of each step. If it throws, or a step rejects, all loops end
 * @returns how many steps have completed
 */
export async function repeatConcurrently(
  concurrency: number,
  isDone: () => boolean,
  step: () => Promise<unknown>,
  check: (result: unknown) => void = () => {},
): Promise<number> {
  let completed = 0
  let hasFailed = false
  const loop = async (): Promise<void> => {
    while (!hasFailed && !isDone()) {
      try {
        check(await step())
      } catch (error) {
        hasFailed = true
        throw error
      }
      completed++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, loop))
  return completed
}

/**
 * Returns a function that reports whether a period, which starts now, is over.
 *
 * @param milliseconds - the length of the period
 * @param checkEvery - the function reads the clock only on every nth call. Reading it takes a tenth of the time of the
 *   fastest calls
 */
export function deadlineAfter(milliseconds: number, checkEvery = 1): () => boolean {
  const end = performance.now() + milliseconds
  let checks = 0
  let isOver = false
  return () => (isOver ||= ++checks % checkEvery === 0 && performance.now() >= end)
}
