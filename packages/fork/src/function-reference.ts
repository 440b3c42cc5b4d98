import { type ModuleSpecifier, resolveSpecifier } from './module-specifier.js'

/** Which function is meant: an export of a module, or a global one. */
export interface FunctionReference {
  module: string | undefined
  name: string
}

/**
 * Looks whether a function can be meant.
 *
 * @param module - as for `resolveSpecifier`; `undefined` for a global function
 * @throws TypeError where none can
 */
export function functionReference(module: ModuleSpecifier | undefined, name: unknown): FunctionReference {
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`a function is named by a string, not ${String(name)}`)
  if (module === undefined && /^(\.{0,2}\/|(file|node|data|https?):)/i.test(name))
    throw new TypeError(`${name} is a module: which function of it?`)
  return { module: module === undefined ? undefined : resolveSpecifier(module), name }
}
