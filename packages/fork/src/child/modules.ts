import { pathToFileURL } from 'node:url'
import { compileFunction, constants } from 'node:vm'
import { ForkError } from '../errors.js'

type Namespace = Record<string, unknown>

/** All that was loaded, so that a function in it is found without asking the loader, which takes its time. */
const loaded = new Map<string, Namespace>()

/** Not found, as Node's loaders say it. */
const notFound = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_UNSUPPORTED_DIR_IMPORT', 'ERR_INVALID_MODULE_SPECIFIER', 'ERR_UNKNOWN_BUILTIN_MODULE'])

/**
 * Loads a module, an ES module or CommonJS.
 *
 * @param specifier - a file URL, or a name to be looked up
 * @param folder - where the look-up of a name starts
 * @throws `ERR_MODULE_NOT_FOUND`, `ERR_MODULE_FAILED`
 */
export async function loadModule(specifier: string, folder: string): Promise<Namespace> {
  const key = `${specifier}\n${folder}`
  let namespace = loaded.get(key)
  if (!namespace) {
    try {
      namespace = (await importFrom(specifier, folder)) as Namespace
    } catch (cause) {
      throw loadError(specifier, cause)
    }
    loaded.set(key, namespace)
  }
  return namespace
}

/**
 * Finds a function.
 *
 * @param specifier - of its module; left out for a global function
 * @throws as `loadModule`; `ERR_EXPORT_NOT_FOUND`
 */
export async function loadFunction(specifier: string | undefined, name: string, folder: string): Promise<(...args: unknown[]) => unknown> {
  const namespace = specifier === undefined ? (globalThis as Namespace) : await loadModule(specifier, folder)
  const found = namespace[name] ?? (namespace['default'] as Namespace | undefined)?.[name]
  if (typeof found === 'function') return found as (...args: unknown[]) => unknown
  const what = found === undefined ? 'is not exported' : 'is not a function'
  throw new ForkError('ERR_EXPORT_NOT_FOUND', specifier === undefined ? `there is no global function ${name}` : `${name} ${what} by ${specifier}`)
}

function importFrom(specifier: string, folder: string): Promise<unknown> {
  if (/^(file|data|node):/.test(specifier)) return import(specifier)
  const importHere = compileFunction('return import(specifier)', ['specifier'], {
    filename: pathToFileURL(`${folder}/`).href + 'anyfork',
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as (specifier: string) => Promise<unknown>
  return importHere(specifier)
}

function loadError(specifier: string, cause: unknown): ForkError {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string }
  const isMissing = code !== undefined && notFound.has(code)
  const why = message ?? String(cause)
  if (isMissing) return new ForkError('ERR_MODULE_NOT_FOUND', `cannot find module ${specifier}: ${why}`, { cause })
  return new ForkError('ERR_MODULE_FAILED', `module ${specifier} failed while loading: ${why}`, { cause })
}
