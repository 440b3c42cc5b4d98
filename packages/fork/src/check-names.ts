/**
 * Looks whether an argument can be options of something.
 *
 * @param what - whose options they are
 * @param names - of the options that there are
 * @throws TypeError for what is no object, and for a property that means nothing
 */
export function checkNames(what: string, options: object, names: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`the options of ${what} are an object, not ${String(options)}`)
  for (const name of Object.keys(options)) if (!names.has(name)) throw new TypeError(`${what} has no option ${name}`)
}
