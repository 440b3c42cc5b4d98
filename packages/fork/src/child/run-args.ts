let pending: unknown[] = []

/** Keeps arguments for the function. */
export function addRunArgs(values: readonly unknown[]): void {
  pending.push(...values)
}

/**
 * Takes what was sent so far with `sendArg` and `sendFd`, in order; the function
 * does not get it any more. For code that runs before it, as
 * AnyEvent::Fork::Serve::run_args.
 */
export function runArgs(): unknown[] {
  const taken = pending
  pending = []
  return taken
}
