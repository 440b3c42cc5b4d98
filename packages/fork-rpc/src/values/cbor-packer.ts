import { MOST_KEYS, type Note, type Path } from '../wire/frame.js'
import { asBuiltIn, binaryClass, bytesOf, isLargeBinary } from './binary-types.js'
import { MOST_DEPTH } from './cbor-check.js'
import { ExtensionProbe } from './cbor-extensions.js'
import type { OwnTags } from './cbor-tags.js'
import { className, kindOf } from './kinds.js'
import { PassedDescriptor } from './passed-descriptor.js'
import { reasonAgainst, reasonAgainstType, unsendable } from './unsendable.js'
import type { Step } from './value-path.js'

/** What the packer needs of cbor-x. */
export interface CborSupport {
  readonly tags: OwnTags
  /** Encodes an object, and drops the result. */
  probe(value: object): void
}

/** The typed arrays that cbor-x carries. */
const tagged = /^(Big(Int|Uint)64|Float(32|64)|(Int|Uint)(8|16|32)|Uint8Clamped)Array$/

const builtIn: ReadonlySet<unknown> = new Set([Date, Map, RegExp, Set].map(({ prototype }) => prototype))

/**
 * Replaces what cbor-x would change, or would not carry, within a list of values: by tagged values, by copies of
 * built-in classes, and by placeholders of attachments. Arrays and objects that contain such a value are copied.
 */
export class CborPacker {
  readonly notes: Note[] = []
  readonly binaries: Buffer[] = []
  readonly descriptors: PassedDescriptor[] = []
  /** Whether the error is that a passed descriptor was passed before, or twice. */
  isPassedTwice = false
  readonly #tags: OwnTags
  readonly #extensions: ExtensionProbe
  readonly #frameKind: number
  readonly #placeholder: string
  readonly #entry: (...args: never[]) => unknown
  readonly #path: Step[] = []
  readonly #within = new Set<object>()
  /** How many of the objects that contain the current value are neither arrays nor plain. */
  #unnotable = 0

  /**
   * @param placeholder - stands in the place of an attachment
   * @param entry - where the stacks of errors begin
   */
  constructor(
    { tags, probe }: CborSupport,
    frameKind: number,
    placeholder: string,
    entry: (...args: never[]) => unknown,
  ) {
    this.#tags = tags
    this.#extensions = new ExtensionProbe(probe)
    this.#frameKind = frameKind
    this.#placeholder = placeholder
    this.#entry = entry
  }

  /**
   * Returns the values that cbor-x carries instead.
   *
   * @throws TypeError with the path of a value that cannot be sent
   * @throws RangeError with the path of a value that contains itself or is too deep
   */
  pack(values: readonly unknown[]): unknown[] {
    return values.map((value, i) => this.#part(i, value))
  }

  #part(step: Step, value: unknown): unknown {
    this.#path.push(step)
    const replaced = this.#replace(value)
    this.#path.pop()
    return replaced
  }

  #replace(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return value.isWellFormed() ? value : this.#tags.text(value)
      case 'number':
        return Object.is(value, -0) ? this.#tags.negativeZero() : value
      case 'function':
      case 'symbol':
        throw this.#error(reasonAgainstType(typeof value as 'function' | 'symbol'))
      case 'object':
        return value === null ? null : this.#replaceObject(value)
      default:
        return value
    }
  }

  #replaceObject(value: object): unknown {
    if (value instanceof PassedDescriptor) return this.#passDescriptor(value)
    const kind = kindOf(value)
    if (kind === 'stream' && this.#path.length === 1) return value // becomes an attachment
    const reason = reasonAgainst(value, kind)
    if (kind !== 'instance' && reason) throw this.#error(reason)
    switch (kind) {
      case 'array':
        return this.#isExtended(value, Array.prototype, [])
          ? value
          : this.#nested(value, () => this.#array(value as []))
      case 'plain':
        return this.#nested(value, () => this.#object(value, true))
      case 'map':
        if (this.#isExtended(value, Map.prototype, new Map())) return value
        return this.#nested(value, () => this.#unnoted(() => this.#map(value as Map<unknown, unknown>)))
      case 'set':
        if (this.#isExtended(value, Set.prototype, new Set())) return value
        return this.#nested(value, () => this.#unnoted(() => this.#set(value as Set<unknown>)))
      case 'date': {
        const time = Date.prototype.getTime.call(value)
        return this.#isAsItIs(value, new Date(0)) ? value : new Date(time)
      }
      case 'regexp':
        return this.#isAsItIs(value, /a/) ? value : new RegExp(value as RegExp)
      case 'error':
        return this.#isExtended(value, Error.prototype, new Error()) ? value : this.#tags.error(value)
      case 'binary':
        return this.#binary(value as ArrayBufferView | ArrayBuffer)
      case 'boxed primitive':
        throw this.#error(`the serialiser cbor cannot carry an object of the class ${className(value)}`)
      default:
        if (this.#extensions.isExtended(value, Object.create(null) as object)) return value
        if (reason) throw this.#error(reason)
        return this.#nested(value, () => this.#unnoted(() => this.#object(value, false)))
    }
  }

  /** Reports whether cbor-x can encode an object of a built-in class, or an extension an object of a derived one. */
  #isAsItIs(value: object, base: object): boolean {
    return builtIn.has(Object.getPrototypeOf(value)) || this.#extensions.isExtended(value, base)
  }

  #isExtended(value: object, prototype: object, base: object): boolean {
    return Object.getPrototypeOf(value) !== prototype && this.#extensions.isExtended(value, base)
  }

  #array(array: readonly unknown[]): unknown {
    let copy: unknown[] | undefined
    for (let i = 0; i < array.length; i++) {
      const item = array[i]
      if (item === undefined && !(i in array)) return this.#sparse(array)
      const replaced = this.#part(i, item)
      if (replaced !== item) (copy ??= copyOf(array))[i] = replaced
    }
    return copy ?? (isOwnArray(array) ? array : copyOf(array))
  }

  #sparse(array: readonly unknown[]): object {
    const items: unknown[] = []
    this.#unnoted(() => {
      for (const key of Object.keys(array)) {
        const index = Number(key)
        if (String(index) !== key || !(index < array.length)) break // named properties follow
        items.push(index, this.#part(index, array[index]))
      }
    })
    return this.#tags.sparse(array.length, items)
  }

  /** @param isPlain - false: an object of a class, whose methods cbor-x could call */
  #object(object: object, isPlain: boolean): unknown {
    const keys = Object.keys(object)
    if (keys.some(key => key === '__proto__' || !key.isWellFormed())) return this.#entries(object, keys)
    let copy: Record<string, unknown> | undefined
    for (const key of keys) {
      const value = (object as Record<string, unknown>)[key]
      const replaced = this.#part(key, value)
      if (replaced !== value) (copy ??= { ...object })[key] = replaced
    }
    return copy ?? (isPlain && object.constructor === Object ? object : { ...object })
  }

  #entries(object: object, keys: readonly string[]): object {
    return this.#unnoted(() =>
      this.#tags.entries(
        keys.flatMap(key => [
          key.isWellFormed() ? key : this.#tags.text(key),
          this.#part(key, (object as Record<string, unknown>)[key]),
        ]),
      ),
    )
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>()
    let entry = 0
    Map.prototype.forEach.call(map, (value: unknown, key: unknown) => {
      copy.set(this.#part({ entry, part: 0 }, key), this.#part({ entry, part: 1 }, value))
      entry++
    })
    return copy
  }

  #set(set: Set<unknown>): Set<unknown> {
    const copy = new Set<unknown>()
    let entry = 0
    Set.prototype.forEach.call(set, (value: unknown) => {
      copy.add(this.#part({ entry }, value))
      entry++
    })
    return copy
  }

  #binary(value: ArrayBufferView | ArrayBuffer): unknown {
    const name = binaryClass(value)!
    if (isLargeBinary(value)) {
      if (this.#path.length === 1) return value // becomes an attachment
      if (this.#canBeNoted) {
        this.notes.push(['binary', this.#path.slice() as Path, name])
        this.binaries.push(bytesOf(value))
        return this.#placeholder
      }
    }
    if (name === 'Buffer') return value
    return tagged.test(name) ? asBuiltIn(value as ArrayBufferView, name) : this.#tags.binary(name, bytesOf(value))
  }

  #passDescriptor(passed: PassedDescriptor): string {
    if (!passed.isWaiting || this.descriptors.includes(passed)) {
      this.isPassedTwice = true
      throw this.#error('a descriptor made by fd() can be passed only once')
    }
    if (!this.#canBeNoted) {
      passed.release().close() // `dropDescriptors` would not find it
      const reason = `a descriptor can be passed at most ${MOST_KEYS} levels deep, under keys of well-formed text, within arrays without holes and plain objects`
      throw this.#path.length > MOST_KEYS ? new RangeError(reason) : this.#error(reason)
    }
    this.notes.push(['fd', this.#path.slice() as Path])
    this.descriptors.push(passed)
    return this.#placeholder
  }

  /** Whether a note can point to the current value. */
  get #canBeNoted(): boolean {
    return this.#unnotable === 0 && this.#path.length <= MOST_KEYS
  }

  #unnoted<T>(call: () => T): T {
    this.#unnotable++
    const result = call()
    this.#unnotable--
    return result
  }

  /** Replaces the parts of an object. */
  #nested(value: object, replaceParts: () => unknown): unknown {
    if (this.#within.has(value))
      throw this.#rangeError('refers to an object that contains it, which only the serialiser v8 carries')
    if (this.#path.length >= MOST_DEPTH) throw this.#rangeError(`is nested more than ${MOST_DEPTH} levels deep`)
    this.#within.add(value)
    const replaced = replaceParts()
    this.#within.delete(value)
    return replaced
  }

  #error(reason: string): TypeError {
    return unsendable(this.#frameKind, this.#path, reason, this.#entry)
  }

  #rangeError(reason: string): RangeError {
    return new RangeError(this.#error(reason).message)
  }
}

function isOwnArray(array: readonly unknown[]): boolean {
  return Object.getPrototypeOf(array) === Array.prototype && array.constructor === Array
}

/** Copies an array without its own iterator, which may be the user's. */
function copyOf(array: readonly unknown[]): unknown[] {
  const copy: unknown[] = []
  for (let i = 0; i < array.length; i++) copy.push(array[i])
  return copy
}
