/** What the owner of a prefork server sends to a worker when the worker starts. */
export interface PreforkServeSettings {
  /** The module of the user, as `resolveSpecifier` returned it. */
  module: string
  name: string
  /** The folder from which the name of a package is looked up. */
  folder: string | undefined
  id: number
  backlog: number
  idleGrace: number
  /** The function that the worker calls after its last connection. */
  done: string | undefined
}

/** The event by which a worker reports that it accepts no more connections: the owner has closed it, or it got SIGTERM. */
export const DRAINING = '@anyfork/fork-pool draining'

/** What a worker counts itself. */
export interface ServedCounts {
  /** The open connections. */
  connections: number
  /** The HTTP requests that are being answered. */
  pending: number
  /** The HTTP requests so far. */
  requests: number
}
