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

/** Prints an error of a connection, and how to name a Redis if none is at the default address. Takes an `error` event. */
export function reportError(error: NodeJS.ErrnoException): void {
  const isUnnamed = error.code === 'ECONNREFUSED' && !process.env['REDIS']
  const hint = isUnnamed ? '. Set the environment variable REDIS, for example to redis://127.0.0.1:6399' : ''
  console.error(`${error.name}: ${error.message}${hint}`)
}
