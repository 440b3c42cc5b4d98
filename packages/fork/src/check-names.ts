/**
 * Checks the names of options. Only for sister packages; use `checkOptions` of `@anyfork/fdpass/internal` in new code.
 *
 * @param what - what the options belong to, for the message
 * @throws TypeError if `options` is not an object or has an unknown property
 */
export function checkNames(what: string, options: object, names: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`the options of ${what} are an object, not ${String(options)}`)
  for (const name of Object.keys(options)) if (!names.has(name)) throw new TypeError(`${what} has no option ${name}`)
}
