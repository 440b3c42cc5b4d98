// The declarations of comlink are those of browsers, and those of its adapter for Node are not found for its ES module.

declare module 'comlink/dist/esm/comlink.mjs' {
  type Endpoint = import('comlink/dist/esm/node-adapter.mjs').Endpoint
  export function wrap<T>(endpoint: Endpoint): T
  export function expose(value: unknown, endpoint: Endpoint): void
  export function proxy<T extends object>(value: T): T
}

declare module 'comlink/dist/esm/node-adapter.mjs' {
  /** The part of a browser's `MessagePort` that comlink uses. */
  export interface Endpoint {
    postMessage(message: unknown, transfer?: unknown[]): void
  }
  export default function nodeEndpoint(
    port: import('node:worker_threads').MessagePort | import('node:worker_threads').Worker,
  ): Endpoint
}
