/** Listeners of these act on the process: what is added by a function is not meant for a copy that does something else. */
const acting =
  /^(SIG[A-Z]|exit$|beforeExit$|uncaughtException|unhandledRejection$|rejectionHandled$|message$|disconnect$)/

let noted = new Map<'exit', unknown[]>()

/** Takes note of the listeners of the process that act on it: not in each child before its function, where that takes a tenth of a millisecond. */
export function noteListeners(): void {
  noted = new Map(actingEvents().map(event => [event, process.rawListeners(event)]))
}

/** Removes those that have been added since. */
export function forgetNewListeners(): void {
  for (const event of actingEvents()) {
    const kept = noted.get(event) ?? []
    for (const listener of process.rawListeners(event))
      if (!kept.includes(listener)) process.off(event, listener as () => void)
  }
}

/** Removes all listeners of the process that act on it. */
export function removeListeners(): void {
  for (const event of actingEvents()) process.removeAllListeners(event)
}

function actingEvents(): 'exit'[] {
  return process.eventNames().filter(event => acting.test(String(event))) as 'exit'[]
}
