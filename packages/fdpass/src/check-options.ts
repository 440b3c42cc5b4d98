/** What a value must be: a test, and the same in words for the error message. */
export interface Expectation {
  test(value: unknown): boolean
  /** Completes the sentence "option x must be …". */
  text: string
}

/** What each option of a call must be. The type requires an entry for every option. */
export type Expectations<Options> = { readonly [Name in keyof Options]-?: Expectation }

/**
 * Checks the options of a public call before the call does anything. An option that is `undefined` counts as left out.
 *
 * Some calls take less than a microsecond, so this function is written for speed: it takes about 10 ns, and 20 ns for
 * each option. Keep the table of expectations in a constant: building it takes longer than the check.
 *
 * @param call - the call as users write it, such as `socketpair()`, for the message
 * @throws TypeError if `options` is not an object, has an option that does not exist, or one with an invalid value
 */
export function checkOptions<Options extends object>(
  call: string,
  options: Options,
  expectations: Expectations<Options>,
): void {
  if (!isPlainObject(options))
    throw new TypeError(`the options of ${call} must be an object, not ${describeValue(options)}`)
  // The call reads inherited options, so this loop includes them.
  for (const name in options) {
    const expectation: Expectation | undefined = expectations[name]
    // What `expectations` inherits, such as `toString`, has no `test`.
    if (expectation?.test === undefined) {
      if (!Object.hasOwn(options, name)) continue
      throw new TypeError(`${call} has no option ${name}: it takes ${Object.keys(expectations).join(', ')}`)
    }
    const value = options[name]
    if (value !== undefined && !expectation.test(value))
      throw unexpected(`option ${name} of ${call}`, value, expectation)
  }
}

/**
 * Checks one argument of a public call.
 *
 * @param what - the argument as users know it, such as `the callback of watch()`, for the message
 * @throws TypeError if the argument is not as expected
 */
export function checkArgument(what: string, value: unknown, expectation: Expectation): void {
  if (!expectation.test(value)) throw unexpected(what, value, expectation)
}

function unexpected(what: string, value: unknown, { text }: Expectation): TypeError {
  return new TypeError(`${what} must be ${text}, not ${describeValue(value)}`)
}

/** Describes a value for an error message. Names only the kind of strings and objects: their content may be secret. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty string' : `a string of length ${value.length}`
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of length ${value.length}`
  if (typeof value !== 'object' || value === null) return String(value)
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return tag === 'Object' ? 'an object' : `an object of type ${tag}`
}

export const anArray: Expectation = { test: Array.isArray, text: 'an array' }
export const aBoolean: Expectation = { test: value => typeof value === 'boolean', text: 'a boolean' }
export const aFunction: Expectation = { test: value => typeof value === 'function', text: 'a function' }
export const anObject: Expectation = { test: isPlainObject, text: 'an object' }
export const aName: Expectation = {
  test: value => typeof value === 'string' && value !== '',
  text: 'a non-empty string',
}
export const anAbortSignal: Expectation = { test: isAbortSignal, text: 'an AbortSignal' }
export const anything: Expectation = { test: () => true, text: 'anything' }

/** @param most - the largest valid integer; no upper limit by default */
export function anInteger(least: number, most: number = Number.MAX_SAFE_INTEGER): Expectation {
  return {
    test: value => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    text: most === Number.MAX_SAFE_INTEGER ? `an integer of at least ${least}` : `an integer from ${least} to ${most}`,
  }
}

/** @param most - the largest valid number */
export function aNumber(least: number, most: number): Expectation {
  return {
    test: value => typeof value === 'number' && value >= least && value <= most,
    text: `a number from ${least} to ${most}`,
  }
}

export function oneOf(...values: readonly string[]): Expectation {
  const quoted = values.map(value => `'${value}'`)
  return {
    test: value => values.includes(value as string),
    text: quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}` : quoted.join(),
  }
}

/**
 * Reports whether a value can hold options. An object of a built-in class cannot, such as an AbortSignal in place of
 * `{ signal }`. A plain object of another realm can.
 */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  return (
    Object.getPrototypeOf(value) === Object.prototype || Object.prototype.toString.call(value) === '[object Object]'
  )
}

/** Reports whether a value is an `AbortSignal`, of this realm or of another one, such as a `node:vm` context. */
function isAbortSignal(value: unknown): boolean {
  return (
    hasTag(value, 'AbortSignal') &&
    typeof (value as AbortSignal).aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function'
  )
}

/** Reports whether a value is a `URL`, of this realm or of another one. */
export function isUrl(value: unknown): value is URL {
  return hasTag(value, 'URL') && typeof (value as URL).href === 'string'
}

/** Classes of the web platform have no check of their own, such as those of `util.types`. */
function hasTag(value: unknown, tag: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${tag}]`
}
