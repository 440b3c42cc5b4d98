/** Whether the user wants an end. */
export interface Interruption {
  readonly isWanted: boolean
  /** Whether calls under way were not to finish, either. */
  readonly isForced: boolean
  /** Resolves when it is wanted. */
  readonly wanted: Promise<void>
  /** Lets SIGINT end this program again. */
  stop(): void
}

/**
 * Notices SIGINT: the first asks for an end, when what runs has finished; the second ends.
 *
 * @param onSecond - called at the second
 */
export function noticeInterruption(onSecond: () => void): Interruption {
  let isWanted = false
  let isForced = false
  let tell: () => void
  const wanted = new Promise<void>(resolve => (tell = resolve))
  const onSignal = (): void => {
    if (isWanted) {
      isForced = true
      return onSecond()
    }
    isWanted = true
    tell()
  }
  process.on('SIGINT', onSignal)
  return {
    get isWanted() {
      return isWanted
    },
    get isForced() {
      return isForced
    },
    wanted,
    stop: () => void process.off('SIGINT', onSignal),
  }
}
