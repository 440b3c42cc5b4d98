import { oncePerPress } from '../once-per-press.js'

/** Whether the user has pressed Ctrl-C. */
export interface Interruption {
  /** Whether SIGINT has arrived: nothing more begins. */
  readonly isRequested: boolean
  /** Whether a second SIGINT has arrived: running calls end, too. */
  readonly isForced: boolean
  /** Resolves at the first SIGINT. */
  readonly requested: Promise<void>
  /** Acts as if two SIGINTs had arrived. */
  force(): void
  /** Removes the handler, so that SIGINT ends this program again. */
  stop(): void
}

/** @param onSecond - called at the second SIGINT, and at each further one */
export function watchForInterruption(onSecond: () => void): Interruption {
  let isRequested = false
  let isForced = false
  let resolveRequested: () => void
  const requested = new Promise<void>(resolve => (resolveRequested = resolve))
  const onSignal = (): void => {
    if (isRequested) {
      isForced = true
      return onSecond()
    }
    isRequested = true
    resolveRequested()
  }
  const listener = oncePerPress(onSignal)
  process.on('SIGINT', listener)
  return {
    get isRequested() {
      return isRequested
    },
    get isForced() {
      return isForced
    },
    requested,
    force: () => {
      onSignal()
      if (!isForced) onSignal()
    },
    stop: () => void process.off('SIGINT', listener),
  }
}
