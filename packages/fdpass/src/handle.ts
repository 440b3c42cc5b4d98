/**
 * Anything that has a file descriptor: its number, a `Descriptor`, a
 * `FileHandle`, a tty stream, a `net.Socket`, `net.Server` or `dgram.Socket`.
 * Functions that take a handle borrow it; who owns it does not change unless
 * they say so.
 */
export type Handle = number | { readonly fd: number } | object

/**
 * Tells the descriptor of a handle.
 *
 * @throws TypeError when it has none, or none yet (a socket not connected, a server not listening)
 */
export function descriptorNumber(handle: Handle): number {
  const fd = typeof handle === 'number' ? handle : numberWithin(handle)
  if (typeof fd !== 'number' || !Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) {
    throw new TypeError('expected a file descriptor or an open object that has one')
  }
  return fd
}

/** Node keeps the descriptor of its sockets in `_handle.fd`; no public property has it. */
function numberWithin(handle: object): unknown {
  if (handle === null || typeof handle !== 'object') return undefined
  const { fd, _handle } = handle as { fd?: unknown; _handle?: { fd?: unknown } | null }
  return typeof fd === 'number' ? fd : _handle?.fd
}
