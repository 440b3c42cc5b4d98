import { oncePerPress } from '../once-per-press.js'

/** What signals do to a server. */
export interface SignalActions {
  /** SIGHUP. */
  reload(): void
  /** SIGTERM, each time, and each press of Ctrl-C. */
  stop(): void
}

/**
 * Listens for the signals of a server.
 *
 * @returns stops listening
 */
export function onSignals({ reload, stop }: SignalActions): () => void {
  const listeners = { SIGHUP: reload, SIGTERM: stop, SIGINT: oncePerPress(stop) }
  const entries = Object.entries(listeners) as [NodeJS.Signals, () => void][]
  for (const [signal, listener] of entries) process.on(signal, listener)
  return () => {
    for (const [signal, listener] of entries) process.off(signal, listener)
  }
}
