/**
 * Makes sure that options are an object without names that do not exist.
 *
 * @param call - whose they are, for the message
 * @param names - those that exist
 * @throws TypeError
 */
export function assertOptions(options: object, call: string, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`the options of ${call} are an object, not ${String(options)}`)
  for (const name of Object.keys(options))
    if (!names.includes(name)) throw new TypeError(`${call} has no option ${name}`)
}

/** @throws TypeError for what is neither true nor false */
export function assertBoolean(value: boolean, name: string): void {
  if (typeof value !== 'boolean') throw new TypeError(`${name} is true or false, not ${String(value)}`)
}
