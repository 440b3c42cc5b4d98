import { types } from 'node:util'
import { carried } from './cbor-natively.js'
import { className, kindOf } from './kinds.js'
import { reasonAgainst, reasonAgainstType, unsendable } from './unsendable.js'
import type { Step } from './value-path.js'

/** The serialisers whose values are only checked: what they change is documented. */
export type CheckedSerialiser = 'json' | 'v8'

/**
 * Checks that a serialiser carries all of these values, or changes them only as it is documented.
 *
 * @throws TypeError with the path of a value that it does not carry
 */
export function checkValues(values: readonly unknown[], frameKind: number, serialiser: CheckedSerialiser): void {
  if (values.every(isAlwaysCarried)) return
  const check = new QuickCheck(serialiser)
  if (!values.every(value => check.passes(value, 0))) new ThoroughCheck(serialiser, frameKind).check(values)
}

function isAlwaysCarried(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' || value === undefined
}

/**
 * Checks the values again after the serialiser has failed: proxies, for example, are too rare to be looked for each
 * time.
 *
 * @throws TypeError with the path of the value that v8 does not clone, if it is found
 */
export function explainFailure(values: readonly unknown[], frameKind: number, serialiser: CheckedSerialiser): void {
  new ThoroughCheck(serialiser, frameKind, true).check(values)
}

/** Beyond these, a value may be a cycle, or refer to the same objects many times. */
const MOST_OBJECTS = 1_000_000
const MOST_LEVELS = 100

/** Passes the usual values, and no value that must be rejected. */
class QuickCheck {
  readonly #isJson: boolean
  #objects = 0

  constructor(serialiser: CheckedSerialiser) {
    this.#isJson = serialiser === 'json'
  }

  passes(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'object':
        return value === null || this.#passesObject(value, depth)
      case 'function':
      case 'symbol':
        return false
      case 'bigint':
        return !this.#isJson
      default:
        return true
    }
  }

  #passesObject(value: object, depth: number): boolean {
    if (++this.#objects > MOST_OBJECTS || depth > MOST_LEVELS) return false
    if (this.#isJson && hasToJson(value)) return true
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Array.prototype) {
      const array = value as readonly unknown[]
      for (let i = 0; i < array.length; i++)
        if (array[i] === undefined ? !(i in array) : !this.passes(array[i], depth + 1)) return false
      return true
    }
    if (prototype !== Object.prototype) return !this.#isJson && carried.has(prototype)
    if (Symbol.asyncIterator in value) return false
    for (const key in value) if (!this.passes((value as Record<string, unknown>)[key], depth + 1)) return false
    return true
  }
}

/** Finds the value that must be rejected, and its path. */
class ThoroughCheck {
  readonly #serialiser: CheckedSerialiser
  readonly #frameKind: number
  readonly #isStrict: boolean
  readonly #path: Step[] = []
  /** The objects that contain the current one; with v8, all objects that were checked. */
  readonly #seen = new Set<object>()

  constructor(serialiser: CheckedSerialiser, frameKind: number, isStrict = false) {
    this.#serialiser = serialiser
    this.#frameKind = frameKind
    this.#isStrict = isStrict
  }

  check(values: readonly unknown[]): void {
    for (let i = 0; i < values.length; i++) this.#part(i, values[i])
  }

  #part(step: Step, value: unknown): void {
    this.#path.push(step)
    if (typeof value === 'function' || typeof value === 'symbol')
      throw this.#error(reasonAgainstType(typeof value as 'function' | 'symbol'))
    if (typeof value === 'bigint' && this.#serialiser === 'json' && !hasToJson(value))
      throw this.#error('the serialiser json cannot carry a bigint')
    if (typeof value === 'object' && value !== null) this.#object(value)
    this.#path.pop()
  }

  #object(value: object): void {
    const isJson = this.#serialiser === 'json'
    if (isJson && hasToJson(value)) return
    if (this.#seen.has(value)) {
      if (isJson) throw this.#error('refers to an object that contains it, which only the serialiser v8 carries')
      return
    }
    this.#seen.add(value)
    const kind = kindOf(value)
    const reason = reasonAgainst(value, kind)
    if (reason) throw this.#error(reason)
    const isCarried = !types.isSymbolObject(value) && (isJson ? carriedByJson.has(kind) : this.#isClonable(value))
    if (!isCarried)
      throw this.#error(`the serialiser ${this.#serialiser} cannot carry an object of the class ${className(value)}`)
    if (kind === 'map') this.#map(value as Map<unknown, unknown>)
    else if (kind === 'set') this.#set(value as Set<unknown>)
    else if (kind === 'array' || kind === 'plain' || kind === 'instance') this.#parts(value)
    if (isJson) this.#seen.delete(value)
  }

  #isClonable(value: object): boolean {
    if (value instanceof Error || types.isNativeError(value)) return !isDomException(value)
    if (!this.#isStrict) return true
    return !types.isProxy(value) && !types.isArgumentsObject(value) && !types.isModuleNamespaceObject(value)
  }

  #parts(value: object): void {
    for (const key of Object.keys(value)) {
      const step = Array.isArray(value) && /^\d+$/.test(key) ? Number(key) : key
      if (this.#serialiser === 'json' && Array.isArray(value) && typeof step === 'string') continue // left out
      this.#part(step, (value as Record<string, unknown>)[key])
    }
  }

  #map(map: Map<unknown, unknown>): void {
    let entry = 0
    Map.prototype.forEach.call(map, (value: unknown, key: unknown) => {
      this.#part({ entry, part: 0 }, key)
      this.#part({ entry, part: 1 }, value)
      entry++
    })
  }

  #set(set: Set<unknown>): void {
    let entry = 0
    Set.prototype.forEach.call(set, (value: unknown) => {
      this.#part({ entry }, value)
      entry++
    })
  }

  #error(reason: string): TypeError {
    return unsendable(this.#frameKind, this.#path, reason, this.#isStrict ? explainFailure : checkValues)
  }
}

/** What JSON has a form for: other objects would arrive without their content. */
const carriedByJson: ReadonlySet<string> = new Set(['array', 'boxed primitive', 'instance', 'plain'])

function hasToJson(value: unknown): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function'
}

/** Node before version 22 clones a `DOMException` as an empty object. */
function isDomException(value: object): boolean {
  return value instanceof DOMException || className(value) === 'DOMException'
}
