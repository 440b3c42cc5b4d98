/**
 * Anything that has a file descriptor: its number, a `Descriptor`, a `FileHandle`, a tty stream, a `net.Socket`, a
 * `net.Server`, or a `dgram.Socket`. A function that takes a handle borrows it: the owner stays the same unless the
 * function says otherwise.
 */
export type Handle = number | HasDescriptor | object

/** An object with a descriptor number, such as a `Descriptor` or a `FileHandle`. */
export interface HasDescriptor {
  /** The descriptor number. */
  readonly fd: number
}

/** The highest number that fits the kernel's int. */
export const MOST_NUMBER = 0x7fffffff

/** Reports whether a value fits the kernel's int. The addon would truncate larger numbers to another descriptor. */
export function isDescriptorNumber(fd: unknown): fd is number {
  return Number.isInteger(fd) && (fd as number) >= 0 && (fd as number) <= MOST_NUMBER
}

/**
 * Returns the descriptor number of a handle.
 *
 * @throws TypeError if the handle has no descriptor, or none yet, such as a server that does not listen
 */
export function descriptorNumber(handle: Handle): number {
  const fd = typeof handle === 'number' ? handle : numberWithin(handle)
  if (!isDescriptorNumber(fd)) throw new TypeError('expected a file descriptor or an open object that has one')
  return fd
}

/** Reports whether a value has a descriptor number. Does not check that the descriptor is open. */
export function isHandle(value: unknown): value is Handle {
  return isDescriptorNumber(typeof value === 'number' ? value : numberWithin(value as object))
}

/**
 * Node exposes no public property for a socket's descriptor. Reads `_handle.fd` or, for dgram sockets, the handle
 * stored under the state symbol.
 */
function numberWithin(handle: object): unknown {
  if (handle === null || typeof handle !== 'object') return undefined
  const { fd } = handle as { fd?: unknown }
  if (typeof fd === 'number') return fd
  const state = Object.getOwnPropertySymbols(handle).find(symbol => symbol.description === 'state symbol')
  if (state) return (handle as Record<symbol, { handle?: { fd?: unknown } } | undefined>)[state]?.handle?.fd
  return (handle as { _handle?: { fd?: unknown } | null })._handle?.fd
}
