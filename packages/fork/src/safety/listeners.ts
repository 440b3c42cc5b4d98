/**
 * Events whose listeners act on the whole process. Those that a function adds are not meant for a copy that does
 * something else.
 */
const acting =
  /^(SIG[A-Z]|exit$|beforeExit$|uncaughtException|unhandledRejection$|rejectionHandled$|message$|disconnect$)/

let noted = new Map<'exit', unknown[]>()

/**
 * Remembers the present listeners. Each child would need a tenth of a millisecond for this before its function, so
 * templates do it.
 */
export function noteListeners(): void {
  noted = new Map(actingEvents().map(event => [event, process.rawListeners(event)]))
}

/** Removes the listeners that have been added since. */
export function forgetNewListeners(): void {
  for (const event of actingEvents()) {
    const kept = noted.get(event) ?? []
    for (const listener of process.rawListeners(event))
      if (!kept.includes(listener)) process.off(event, listener as () => void)
  }
}

/** Removes all listeners that act on the process. */
export function removeListeners(): void {
  for (const event of actingEvents()) process.removeAllListeners(event)
}

function actingEvents(): 'exit'[] {
  return process.eventNames().filter(event => acting.test(String(event))) as 'exit'[]
}
