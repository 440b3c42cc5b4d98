import { isBuiltin } from 'node:module'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { aName, checkArgument, type Expectation } from '@anyfork/fdpass/internal'

/** A module: a file URL, an absolute path or the name of a package or built-in. */
export type ModuleSpecifier = string | URL

const aModule: Expectation = {
  test: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
  text: 'a URL, an absolute path, or the name of a package',
}

/**
 * Brings the name of a module into the form that `import()` takes in any process.
 *
 * @throws TypeError for what names no module, and for a relative path, which would mean another file in another process
 */
export function resolveSpecifier(module: ModuleSpecifier): string {
  if (module instanceof URL) return checkUrl(module).href
  checkArgument('a module', module, aModule)
  if (/^\.\.?(\/|$)/.test(module)) {
    throw new TypeError('a module must not be a relative path: use new URL(path, import.meta.url)')
  }
  if (isAbsolute(module)) return pathToFileURL(module).href
  return /^file:/i.test(module) ? checkUrl(new URL(module)).href : module // of others, the loader there knows
}

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
  checkArgument('the name of a function', name, aName)
  const checked = name as string
  if (module === undefined && /^(\.{0,2}\/|(file|node|data|https?):)/i.test(checked))
    throw new TypeError('the name of a function must not be a module: give the module and the name of its function')
  return { module: module === undefined ? undefined : resolveSpecifier(module), name: checked }
}

/** The path of the working directory; none where that was removed. Where its name is no UTF-8, the path leads nowhere. */
export function workingDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

/** @throws TypeError for one that no module is at */
function checkUrl(url: URL): URL {
  if (url.protocol === 'file:') fileURLToPath(url)
  else if (url.protocol !== 'data:')
    throw new TypeError(`the URL of a module must be a file: or data: URL, not ${url.protocol}`)
  return url
}

/**
 * The folder from which these modules are looked up, this program's working directory,
 * for a process that loads them.
 *
 * @param specifiers - as `resolveSpecifier` gave them
 * @returns nothing where all of them mean the same anywhere
 * @throws the kernel's error, where the directory was removed
 */
export function lookUpFolder(...specifiers: readonly (string | undefined)[]): string | undefined {
  return specifiers.some(isLookedUp) ? process.cwd() : undefined
}

function isLookedUp(specifier: string | undefined): boolean {
  return specifier !== undefined && !/^(file|data):/.test(specifier) && !isBuiltin(specifier)
}
