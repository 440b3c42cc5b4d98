/** Calls a user's function. Rethrows its error on the next tick, so that it cannot interrupt the code that follows. */
export function callSafely(call: () => void): void {
  try {
    call()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
