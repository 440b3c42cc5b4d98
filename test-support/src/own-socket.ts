import { readdirSync, readlinkSync } from 'node:fs'
import { isNonblocking } from '@anyfork/fdpass'

/**
 * Finds a socket that this process has inherited, to write to it what its owner does not expect.
 *
 * @param isBlocking - true: the one to the caller of a process that runs one call at a time; false: the control socket
 * @returns its number; borrowed
 */
export function findOwnSocket({ isBlocking }: { isBlocking: boolean }): number {
  const found = readdirSync('/proc/self/fd')
    .map(Number)
    .find(fd => {
      try {
        return fd > 2 && readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:') && isNonblocking(fd) !== isBlocking
      } catch {
        return false // the descriptor that has read the list
      }
    })
  if (found === undefined) throw new Error('this process has no such socket')
  return found
}

/**
 * Prepares to find the sockets that this process is about to open, to write to them what their peers do not expect.
 *
 * @returns returns their numbers, in ascending order; borrowed
 */
export function findNewSockets(): () => number[] {
  const before = new Set(openSockets())
  return () => openSockets().filter(fd => !before.has(fd))
}

function openSockets(): number[] {
  return readdirSync('/proc/self/fd').map(Number).filter(isSocket)
}

function isSocket(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
  } catch {
    return false // the descriptor that has read the list
  }
}
