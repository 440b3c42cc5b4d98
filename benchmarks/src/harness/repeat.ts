/**
 * Does things over and over, so many at a time.
 *
 * @param isDone - asked before each
 * @returns how many were done
 */
export async function repeatConcurrently(
  count: number,
  isDone: () => boolean,
  step: () => Promise<unknown>,
): Promise<number> {
  let done = 0
  const loop = async (): Promise<void> => {
    while (!isDone()) {
      await step()
      done++
    }
  }
  await Promise.all(Array.from({ length: count }, loop))
  return done
}

/**
 * Until so much time has passed, counted from now.
 *
 * @param every - look at the clock only so often: to do so takes a tenth of what the quickest calls take
 */
export function deadlineAfter(milliseconds: number, every = 1): () => boolean {
  const end = performance.now() + milliseconds
  let asked = 0
  let isOver = false
  return () => (isOver ||= ++asked % every === 0 && performance.now() >= end)
}
