import type { ConnectionOptions } from 'bullmq'

/** The name of the queue of this example. */
export const QUEUE = 'hashes'

/**
 * Returns how to connect to Redis: to the URL or the path of a socket that the environment variable REDIS names. Queues
 * and consumers that get these options open connections of their own, and close them.
 */
export function redisOptions(): ConnectionOptions {
  const address = process.env['REDIS'] ?? 'redis://127.0.0.1:6379'
  return address.startsWith('/') ? { path: address } : { url: address }
}
