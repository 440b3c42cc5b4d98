import type { ForkMode } from '../mode.js'

/** Errors that mean that this process cannot be forked now, or that the system cannot fork. */
const UNFORKABLE: ReadonlySet<unknown> = new Set([
  'ERR_CANNOT_COPY',
  'ERR_FORK_IMPOSSIBLE',
  'ERR_FOREIGN_THREADS',
  'ERR_PENDING_REQUESTS',
  'ENOSYS',
])

/** Returns whether an interpreter is started instead of a fork that has failed with this error. */
export function fallsBack(mode: ForkMode, error: unknown): boolean {
  return mode !== 'fork' && UNFORKABLE.has((error as { code?: unknown }).code)
}
