import { statSync, unlinkSync } from 'node:fs'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { type Descriptor, dup, listen } from '@anyfork/fdpass'
import type { PreforkSettings } from './prefork-options.js'

/** Where a server listens: an address and a port, or the path of a socket file. */
export type PreforkAddress = AddressInfo | string

/** The listening sockets of a prefork server. The owner keeps them open and never accepts from them. */
export class Listeners {
  readonly address: PreforkAddress
  readonly #descriptors: readonly Descriptor[]
  readonly #socketFile: SocketFile | undefined

  private constructor(address: PreforkAddress, descriptors: readonly Descriptor[], socketFile?: SocketFile) {
    this.address = address
    this.#descriptors = descriptors
    this.#socketFile = socketFile
  }

  /**
   * Opens one listener, or one for each worker.
   *
   * @throws rejects with the kernel's error, such as `EADDRINUSE`
   */
  static async open({ listen: where, workers }: PreforkSettings): Promise<Listeners> {
    const { path, fd, backlog } = where
    if (path !== undefined) return new Listeners(path, [listen(path, { backlog })], SocketFile.at(path))
    if (fd !== undefined) {
      const { address, descriptor } = await openListener({ fd: dup(fd).release() }, backlog)
      return new Listeners(address, [descriptor])
    }
    const { host, port = 0, ipv6Only, reusePort = false } = where
    const options = { host, port, ipv6Only, reusePort, exclusive: true } // else a worker of node:cluster asks its primary
    const first = await openListener(options, backlog)
    const opened = [first.descriptor]
    try {
      const address = first.address as AddressInfo
      while (reusePort && opened.length < workers)
        opened.push((await openListener({ ...options, port: address.port }, backlog)).descriptor)
      return new Listeners(address, opened)
    } catch (error) {
      for (const descriptor of opened) descriptor.close()
      throw error
    }
  }

  /** Returns the listener of a worker; borrowed. */
  of(id: number): Descriptor {
    return this.#descriptors[id % this.#descriptors.length]!
  }

  /** Closes the listeners, and removes the socket file. */
  close(): void {
    for (const descriptor of this.#descriptors) descriptor.close()
    this.#socketFile?.remove()
  }
}

/**
 * Lets Node open a listener, and closes its server before it accepts anything: 'listening' is emitted before the event
 * loop looks for connections.
 */
async function openListener(
  options: ListenOptions & { fd?: number },
  backlog: number,
): Promise<{ address: PreforkAddress; descriptor: Descriptor }> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      try {
        resolve({ address: server.address()!, descriptor: dup(server) })
      } catch (error) {
        reject(error) // EMFILE
      } finally {
        server.close()
      }
    })
    listenWith(server, options, backlog)
  })
}

/** Node takes the backlog of a descriptor only as the second argument, and that of a port only among the options. */
function listenWith(server: Server, options: ListenOptions & { fd?: number }, backlog: number): void {
  const listenTo = server.listen.bind(server) as (options: ListenOptions, backlog: number) => Server
  listenTo({ ...options, backlog }, backlog)
}

/** The file of a socket that this program has bound. */
class SocketFile {
  readonly #path: string
  readonly #inode: bigint

  private constructor(path: string, inode: bigint) {
    this.#path = path
    this.#inode = inode
  }

  /** @returns `undefined` for an abstract name */
  static at(path: string): SocketFile | undefined {
    return path.startsWith('\0') ? undefined : new SocketFile(path, inodeOf(path)!)
  }

  /** Removes the file, unless another program has put its own file there. */
  remove(): void {
    try {
      if (inodeOf(this.#path) === this.#inode) unlinkSync(this.#path)
    } catch {
      // it is gone, or this program may not remove it
    }
  }
}

function inodeOf(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}
