/**
 * How long another SIGINT counts as the same press of Ctrl-C, in milliseconds. npm passes on the SIGINT that it gets from
 * the terminal, later on a busy machine. Where its shell is bash, which starts a single command in its own place, the
 * program gets both.
 */
const SAME_PRESS_MS = 500

/** Returns a listener for SIGINT that calls back once for each press of Ctrl-C. */
export function oncePerPress(callback: () => void): () => void {
  let pressedAt = -Infinity
  return () => {
    const now = performance.now()
    if (now - pressedAt < SAME_PRESS_MS) return
    pressedAt = now
    callback()
  }
}
