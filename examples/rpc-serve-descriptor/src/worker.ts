import { closeSync, openSync } from 'node:fs'
import type { Descriptor } from '@anyfork/fork-rpc'
import { fd, type PassedDescriptor } from '@anyfork/fork-rpc/child'

/** Answers a connection, which is its own, and closes it. @returns how many connections it has answered */
export async function greet(connection: Descriptor, name: string): Promise<number> {
  const socket = connection.toSocket()
  await new Promise<void>(resolve => socket.end(`hello ${name}, this is process ${process.pid}\n`, resolve))
  return ++greeted
}

/** Opens a file, for a process that may not. */
export function open(path: string): PassedDescriptor {
  const file = openSync(path, 'r')
  try {
    return fd(file) // a duplicate goes along
  } finally {
    closeSync(file)
  }
}

let greeted = 0
