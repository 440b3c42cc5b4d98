import { types } from 'node:util'
import { DefaultSerializer } from 'node:v8'
import { describeValue } from '@anyfork/fdpass/internal'

/** The longest path in a message, in characters. */
const MOST_PATH = 200

/** V8's structured clone does not accept a value. Its own error would show the value. */
class NotCloned extends Error {}

class Cloner extends DefaultSerializer {}
Object.assign(Cloner.prototype, {
  /** V8 calls this as a function, and Node with `new`. */
  _getDataCloneError: function notCloned() {
    return new NotCloned()
  },
  _getSharedArrayBufferId: () => {
    throw new NotCloned()
  },
})

/**
 * Encodes a value by V8's structured clone, with `process.env` as a copy. `deserialize` of `node:v8` decodes it.
 *
 * @throws TypeError if the value cannot be cloned, such as a function or a proxy; the message says which type is where,
 *   but shows no value
 */
export function clone(value: unknown): Buffer {
  try {
    return serialize(value)
  } catch (error) {
    if (!(error instanceof NotCloned))
      throw new TypeError('a value cannot be sent to another process: reading it has failed', { cause: error })
  }
  try {
    const plain = copyEnvironment(value, new Map())
    if (plain !== value) return serialize(plain)
  } catch {} // the value has other parts that cannot be cloned
  throw new TypeError(
    `a value cannot be sent to another process: V8's structured clone does not accept ${findUncloned(value)}`,
  )
}

/** As `serialize` of `node:v8`. */
function serialize(value: unknown): Buffer {
  const cloner = new Cloner()
  cloner.writeHeader()
  cloner.writeValue(value)
  return cloner.releaseBuffer()
}

/** Returns a copy in which plain values replace `process.env`, which belongs to Node; without it, the value itself. */
function copyEnvironment(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (value === process.env) return { ...process.env }
  if (!isPlain(value)) return value
  const known = copies.get(value)
  if (known) return known
  const copy: object = Array.isArray(value) ? new Array(value.length) : {}
  copies.set(value, copy)
  let isChanged = false
  for (const [key, part] of Object.entries(value)) {
    const copied = copyEnvironment(part, copies)
    isChanged ||= copied !== part
    Object.defineProperty(copy, key, { value: copied, writable: true, enumerable: true, configurable: true })
  }
  if (!isChanged) copies.set(value, value)
  return isChanged ? copy : value
}

/** Returns whether a value is an array or an object without a class of its own. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null || prototype === Array.prototype
}

/** Describes the first part that cannot be cloned: `a function at [0].name`. */
function findUncloned(value: unknown): string {
  const path: string[] = []
  const seen = new Set<unknown>()
  let found = value
  for (let next: [key: string, part: unknown] | undefined = ['', value]; next; next = failingPart(found, seen)) {
    seen.add(next[1])
    path.push(next[0])
    found = next[1]
  }
  const where = path.join('').replace(/^\./, '').slice(0, MOST_PATH)
  return `${types.isProxy(found) ? 'a proxy' : describeValue(found)}${where && ` at ${where}`}`
}

/** Returns a part of a value that cannot be cloned and was not seen yet, and how it is reached. */
function failingPart(value: unknown, seen: ReadonlySet<unknown>): [key: string, part: unknown] | undefined {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return undefined
  try {
    return partsOf(value).find(([, part]) => !seen.has(part) && !isClonable(part))
  } catch {
    return undefined // a getter has thrown
  }
}

function partsOf(value: object): [key: string, part: unknown][] {
  if (types.isMap(value))
    return [...value].flatMap(([key, part]): [string, unknown][] => [
      ['.keys()', key],
      ['.values()', part],
    ])
  if (types.isSet(value)) return [...value].map(part => ['.values()', part])
  const isArray = Array.isArray(value)
  return Object.entries(value).map(([key, part]) => [isArray ? `[${key}]` : `.${key}`, part])
}

function isClonable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
