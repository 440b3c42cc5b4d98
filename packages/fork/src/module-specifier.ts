import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { aName, checkArgument, type Expectation, isUrl } from '@anyfork/fdpass/internal'

/** A module: a file URL, an absolute path, or the name of a package or built-in. */
export type ModuleSpecifier = string | URL

const aModule: Expectation = {
  test: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
  text: 'a URL, an absolute path, or the name of a package',
}

/**
 * Returns a module in a form that `import()` accepts in any process.
 *
 * @throws TypeError if `module` is a relative path, which means another file in another process, or is invalid
 */
export function resolveSpecifier(module: ModuleSpecifier): string {
  if (isUrl(module)) return checkUrl(new URL(module.href)).href
  checkArgument('a module', module, aModule)
  if (/^\.\.?(\/|$)/.test(module)) {
    throw new TypeError('a module must not be a relative path: use new URL(path, import.meta.url)')
  }
  if (isAbsolute(module)) return pathToFileURL(module).href
  return /^file:/i.test(module) ? checkUrl(parseUrl(module)).href : module // a name, which the loader of the other process looks up
}

/** A function: an export of a module, or a global function. */
export interface FunctionReference {
  module: string | undefined
  name: string
}

/**
 * Checks the arguments that name a function.
 *
 * @param module - as for `resolveSpecifier`; `undefined` for a global function
 * @throws TypeError if an argument is invalid
 */
export function functionReference(module: ModuleSpecifier | undefined, name: unknown): FunctionReference {
  checkArgument('the name of a function', name, aName)
  const checked = name as string
  if (module === undefined && /^(\.{0,2}\/|(file|node|data|https?):)/i.test(checked))
    throw new TypeError('the name of a function must not be a module: give the module and the name of its function')
  return { module: module === undefined ? undefined : resolveSpecifier(module), name: checked }
}

/**
 * Returns the path of the working folder; `undefined` if it was removed. If its name is not UTF-8, the path leads
 * nowhere.
 */
export function workingDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

/** @throws TypeError if it is not a URL; Node's own error would show the text */
function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError(`a module must be ${aModule.text}, not an invalid URL`)
  return new URL(text)
}

/** @throws TypeError if no module can be at this URL */
function checkUrl(url: URL): URL {
  if (url.protocol === 'file:') fileURLToPath(url)
  else if (url.protocol !== 'data:')
    throw new TypeError(`the URL of a module must be a file: or data: URL, not ${url.protocol}`)
  return url
}
