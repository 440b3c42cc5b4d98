import { fstatSync } from 'node:fs'
import type { Server } from 'node:net'
import type { Descriptor } from '@anyfork/fdpass'

/** Returns the inode of a listening socket that the program has passed, which proves that it has arrived. Closes it. */
export function inodeOf(descriptor: Descriptor): number {
  const { ino } = fstatSync(descriptor.fd)
  descriptor.close()
  return ino
}

/** Does the same with a server that `process.send` has passed. */
export function inodeOfServer(server: Server): number {
  const { ino } = fstatSync((server as unknown as { _handle: { fd: number } })._handle.fd)
  server.close()
  return ino
}

// A process of child_process.fork answers each message with its number and the inode.
process.on('message', (id, server) => process.send!([id, inodeOfServer(server as Server)]))
