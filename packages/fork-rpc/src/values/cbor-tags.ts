import { decodeError, encodeError } from '@anyfork/fork/internal/error-codec'
import { RpcError } from '../errors.js'
import { binaryOf } from './binary-types.js'

/**
 * The CBOR tags of values that cbor-x would change, each with what it contains. Both ends are always the same version.
 * Larger numbers would slow down the table of cbor-x.
 */
export const OwnTag = {
  /** Zero: the number -0. */
  negativeZero: 280,
  /** UTF-16 in bytes: text with a surrogate that has no other half, which UTF-8 cannot carry. */
  text: 281,
  /** Keys and values in turn: an object with such text or `__proto__` among its keys. */
  entries: 282,
  /** A length, then indexes and values in turn: an array with holes. */
  sparse: 283,
  /** A class and bytes: an `ArrayBuffer`, a `DataView`, or a `Float16Array`. */
  binary: 284,
  /** What `encodeError` returns: an error. */
  error: 285,
} as const

/** Makes a tagged value, for the encoder of cbor-x. */
type MakeTag = new (content: unknown, tag: number) => object

type AddExtension = (extension: { tag: number; decode: (content: never) => unknown }) => void

/** Lets cbor-x decode the tags. */
export function addOwnTags(addExtension: AddExtension): void {
  addExtension({ tag: OwnTag.negativeZero, decode: () => -0 })
  addExtension({ tag: OwnTag.text, decode: (bytes: Buffer) => bytes.toString('utf16le') })
  addExtension({ tag: OwnTag.entries, decode: objectOf })
  addExtension({ tag: OwnTag.sparse, decode: sparseArrayOf })
  addExtension({ tag: OwnTag.binary, decode: binaryFrom })
  addExtension({ tag: OwnTag.error, decode: (bytes: Buffer) => decodeError(bytes) })
}

/** Makes the tagged values that stand for values that cbor-x would change. */
export class OwnTags {
  readonly #Tag: MakeTag

  constructor(Tag: MakeTag) {
    this.#Tag = Tag
  }

  negativeZero(): object {
    return new this.#Tag(0, OwnTag.negativeZero)
  }

  text(text: string): object {
    return new this.#Tag(Buffer.from(text, 'utf16le'), OwnTag.text)
  }

  /** @param items - keys, as text or tagged text, and values in turn */
  entries(items: readonly unknown[]): object {
    return new this.#Tag(items, OwnTag.entries)
  }

  /** @param items - indexes and values in turn */
  sparse(length: number, items: readonly unknown[]): object {
    return new this.#Tag([length, ...items], OwnTag.sparse)
  }

  binary(name: string, bytes: Buffer): object {
    return new this.#Tag([name, bytes], OwnTag.binary)
  }

  error(error: unknown): object {
    return new this.#Tag(encodeError(error), OwnTag.error)
  }
}

function objectOf(items: readonly unknown[]): object {
  const entries: [string, unknown][] = []
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i]
    if (typeof key !== 'string') throw malformed()
    entries.push([key, items[i + 1]])
  }
  return Object.fromEntries(entries) // defines `__proto__`, and does not set the prototype
}

function sparseArrayOf([length, ...items]: readonly unknown[]): unknown[] {
  if (!isIndex(length, 2 ** 32)) throw malformed()
  const array: unknown[] = []
  for (let i = 0; i < items.length; i += 2) {
    const index = items[i]
    if (!isIndex(index, length)) throw malformed()
    array[index] = items[i + 1]
  }
  if (array.length < length) {
    // Unlike an assignment to `length`, this allocates no memory for the holes.
    array[length - 1] = undefined
    delete array[length - 1]
  }
  return array
}

function isIndex(value: unknown, below: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < below
}

function binaryFrom([name, bytes]: readonly unknown[]): unknown {
  if (typeof name !== 'string' || !Buffer.isBuffer(bytes)) throw malformed()
  return binaryOf(name, bytes)
}

function malformed(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'a tagged value has invalid content')
}
