import type { RequestListener } from 'node:http'
import type { Server } from 'node:net'

/** What a worker of a prefork server passes to the function that makes its server. */
export interface PreforkContext {
  /** The number of its place, from 0. The worker that replaces it has the same number. */
  id: number
  /**
   * Aborted when the worker accepts no more connections. Then end what the server cannot end by itself, such as
   * WebSockets.
   */
  signal: AbortSignal
}

/**
 * The function that each worker of a prefork server calls. It returns a request listener, such as an Express
 * application, or a server that does not listen yet: of `node:http`, `node:https`, `node:net`, or `node:tls`.
 */
export type MakeServer = (
  context: PreforkContext,
) => RequestListener | Server | Promise<RequestListener> | Promise<Server>
