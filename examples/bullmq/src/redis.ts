import type { ConnectionOptions } from 'bullmq'
import { Redis } from 'ioredis'

/** The name of the queue of this example. */
export const QUEUE = 'hashes'

/**
 * Returns how to connect to Redis: to the URL or the path of a socket that the environment variable REDIS names. Queues
 * and consumers that get these options open connections of their own, and close them.
 */
export function redisOptions(): ConnectionOptions {
  const address = redisAddress()
  return address.startsWith('/') ? { path: address } : { url: address }
}

/** Tries once to connect to Redis. Returns whether that was possible; if not, the reason has been printed. */
export async function canReachRedis(): Promise<boolean> {
  const redis = new Redis(redisAddress(), { lazyConnect: true, retryStrategy: () => null })
  redis.on('error', reportError)
  try {
    await redis.connect()
    return true
  } catch {
    return false // 'error' had the reason
  } finally {
    redis.disconnect()
  }
}

function redisAddress(): string {
  return process.env['REDIS'] ?? 'redis://127.0.0.1:6379'
}

/** Prints an error of a connection, and how to name a Redis if none is at the default address. Takes an `error` event. */
export function reportError(error: NodeJS.ErrnoException): void {
  const isUnnamed = error.code === 'ECONNREFUSED' && !process.env['REDIS']
  const hint = isUnnamed ? '. Set the environment variable REDIS, for example to redis://127.0.0.1:6399' : ''
  console.error(`${error.name}: ${error.message}${hint}`)
}
