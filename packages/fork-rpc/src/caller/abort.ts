/** Who waits for which signal: many calls may have the same, and it is listened to once. */
const waiting = new WeakMap<AbortSignal, { calls: Set<() => void>; listener: () => void }>()

/** Calls back once the signal is aborted. */
export function onceAborted(signal: AbortSignal, call: () => void): void {
  let entry = waiting.get(signal)
  if (!entry) {
    const calls = new Set<() => void>()
    entry = { calls, listener: () => calls.forEach(each => each()) }
    waiting.set(signal, entry)
    signal.addEventListener('abort', entry.listener, { once: true })
  }
  entry.calls.add(call)
}

/** Undoes `onceAborted`. */
export function forgetAbort(signal: AbortSignal, call: () => void): void {
  const entry = waiting.get(signal)
  if (!entry?.calls.delete(call) || entry.calls.size) return
  signal.removeEventListener('abort', entry.listener)
  waiting.delete(signal)
}
