import { afterFork, beforeFork } from '@anyfork/fork/internal/child'

/** How many turns of the event loop it may take to receive a fork order that was sent earlier. */
const TURNS = 3

/**
 * Runs in a worker that has answered its last call. If the owner has ordered a fork, lets this process be forked first.
 * Then exits. The copy stays alive and serves as a template.
 */
export function exitOrRefork(): void {
  let isForked = false
  const keepAlive = setInterval(() => {}, 60_000)
  const removeBefore = beforeFork(() => {
    isForked = true
    return () => void setImmediate(() => setImmediate(() => process.exit()))
  })
  const removeAfter = afterFork(() => {
    clearInterval(keepAlive)
    removeBefore()
    removeAfter()
  })
  const turn = (left: number): void => {
    if (isForked) return
    if (left) setImmediate(turn, left - 1)
    else process.exit()
  }
  turn(TURNS)
}
