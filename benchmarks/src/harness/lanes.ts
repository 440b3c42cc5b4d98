/**
 * Does things over and over, so many at a time.
 *
 * @param isDone - asked before each
 */
export async function inLanes(count: number, isDone: () => boolean, step: () => Promise<unknown>): Promise<void> {
  const lane = async (): Promise<void> => {
    while (!isDone()) await step()
  }
  await Promise.all(Array.from({ length: count }, lane))
}

/** Until so much time has passed, counted from now. */
export function after(milliseconds: number): () => boolean {
  const end = performance.now() + milliseconds
  return () => performance.now() >= end
}
