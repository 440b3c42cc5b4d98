/**
 * Anything that has a file descriptor: its number, a `Descriptor`, a
 * `FileHandle`, a tty stream, a `net.Socket`, `net.Server` or `dgram.Socket`.
 * Functions that take a handle borrow it; who owns it does not change unless
 * they say so.
 */
export type Handle = number | { readonly fd: number } | object

/** The kernel's numbers are ints: the addon would take another one for what is left of it. */
export function isDescriptorNumber(fd: unknown): fd is number {
  return Number.isInteger(fd) && (fd as number) >= 0 && (fd as number) <= 0x7fffffff
}

/**
 * Tells the descriptor of a handle.
 *
 * @throws TypeError when it has none, or none yet (a socket not connected, a server not listening)
 */
export function descriptorNumber(handle: Handle): number {
  const fd = typeof handle === 'number' ? handle : numberWithin(handle)
  if (!isDescriptorNumber(fd)) throw new TypeError('expected a file descriptor or an open object that has one')
  return fd
}

/** No public property has the descriptor of Node's sockets: `_handle.fd` has it, of datagram sockets the handle in their state. */
function numberWithin(handle: object): unknown {
  if (handle === null || typeof handle !== 'object') return undefined
  const { fd } = handle as { fd?: unknown }
  if (typeof fd === 'number') return fd
  const state = Object.getOwnPropertySymbols(handle).find(symbol => symbol.description === 'state symbol')
  if (state) return (handle as Record<symbol, { handle?: { fd?: unknown } } | undefined>)[state]?.handle?.fd
  return (handle as { _handle?: { fd?: unknown } | null })._handle?.fd
}
