/** Calls a function of the user's: what it throws is an uncaught error, but later. */
export function callSafely(call: () => void): void {
  try {
    call()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
