import { RpcError } from '../errors.js'

/** The major types of items in CBOR. */
export const Major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, other: 7 } as const

/**
 * Returns the length, number, or tag that an initial byte begins.
 *
 * @param at - where the bytes after the initial one begin
 * @throws RpcError if it is incomplete or of indefinite length
 */
export function argumentAt(bytes: Uint8Array, initial: number, at: number, end: number): number {
  const info = initial & 31
  if (info < 24) return info
  if (info > 27 || at + (1 << (info - 24)) > end) throw malformed()
  let value = 0
  for (let i = 0; i < 1 << (info - 24); i++) value = value * 256 + bytes[at + i]!
  return value
}

/** Returns how many bytes the argument after an initial byte has. */
export function argumentBytes(initial: number): number {
  const info = initial & 31
  return info < 24 ? 0 : 1 << (info - 24)
}

export function malformed(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'a message is not valid CBOR, or uses more of it than the encoder does')
}
