/** Stops the encoder. */
const STOP = new Error('probed')

/**
 * Finds out whether users have registered an extension with cbor-x that encodes an object. cbor-x does not tell; but it
 * looks for an extension in a fixed order, its own ones last, and reads no property of an object meanwhile.
 */
export class ExtensionProbe {
  readonly #encode: (value: object) => void
  readonly #known = new Map<unknown, boolean>()

  /**
   * Remembers what it has found: make a new one for each message.
   *
   * @param encode - encodes an object by cbor-x, and drops the result
   */
  constructor(encode: (value: object) => void) {
    this.#encode = encode
  }

  /**
   * Reports whether an extension of the user applies to an object.
   *
   * @param base - an object of the built-in class from which its class is derived
   */
  isExtended(value: object, base: object): boolean {
    const prototype: unknown = Object.getPrototypeOf(value)
    let isExtended = this.#known.get(prototype)
    if (isExtended === undefined) {
      isExtended = this.#extensionsBefore(value) < this.#extensionsBefore(base)
      this.#known.set(prototype, isExtended)
    }
    return isExtended
  }

  /** Returns how many extensions cbor-x tries before it finds one, or gives up. */
  #extensionsBefore(value: object): number {
    let tried = 0
    const probe = new Proxy(value, {
      getPrototypeOf: target => {
        tried++ // by `instanceof`
        return Reflect.getPrototypeOf(target)
      },
      get: (_, key) => {
        if (key === 'constructor') return undefined
        throw STOP
      },
    })
    try {
      this.#encode(probe)
    } catch {}
    return tried
  }
}
