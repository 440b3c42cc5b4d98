import type { MemoryPolicy } from '@anyfork/fork'

/** The default of `maxMessageBytes`. */
export const MAX_MESSAGE_BYTES: number = 1 << 28

/** What the caller tells a process before the first frame: the last argument that it sends with `sendArg`. */
export interface ServeSettings {
  /** The URL of the module that exports the functions. Without it, the functions are global ones. */
  module: string | undefined
  /** The export that has the number 0. Without it, `name` frames give all numbers. */
  name: string | undefined
  /** The folder from which package names are resolved. Undefined if there are none to resolve. */
  folder: string | undefined
  /** The name of a built-in serialiser, or the URL of a module. */
  serialiser: string
  /** The function to call before the first call. */
  init: string | undefined
  /** The function to call at the end. Without a module, it is a global function. `exits`: the process exits after it. */
  done: { module: string | undefined; name: string; exits: boolean } | undefined
  /** The largest message in either direction, in bytes. */
  maxMessageBytes: number
  /** Whether the argument before these settings is the memory to share, see `shared-page.ts`. */
  hasSharedPage: boolean
  /** The memory policy. Undefined for that of the template. */
  memory: MemoryPolicy | undefined
  /** How long to spin for the next call, in microseconds. */
  spin: number
}
