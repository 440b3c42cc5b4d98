import { createRequire } from 'node:module'
import { ForkError } from '../errors.js'

type Namespace = Record<string, unknown>
/** What Node makes CommonJS modules of; `_compile` is what tools that hook into it build upon. */
type ModuleConstructor = new (id: string) => { exports: unknown; _compile(code: string, filename: string): unknown }

/** Code that belongs to a folder: what it imports is looked up from there. */
interface Place {
  load(specifier: string): Promise<Namespace>
  /** Indirect eval: in the global scope. */
  evaluate(code: string): unknown
}

const places = new Map<string, Place>()
/** All that was loaded, so that a function in it is found without asking the loader, which takes its time. */
const loaded = new Map<string, Namespace>()

/** Not found, as Node's loaders say it. */
const notFound = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_INVALID_MODULE_SPECIFIER',
  'ERR_UNKNOWN_BUILTIN_MODULE',
])

/**
 * Loads a module, an ES module or CommonJS.
 *
 * @param specifier - a file URL, or a name to be looked up
 * @param folder - where the look-up of a name starts; none for what is no name
 * @throws `ERR_MODULE_NOT_FOUND`, `ERR_MODULE_FAILED`
 */
export async function loadModule(specifier: string, folder?: string): Promise<Namespace> {
  const key = /^(file|data|node):/.test(specifier) ? specifier : `${specifier}\n${folder ?? ''}`
  let namespace = loaded.get(key)
  if (!namespace) {
    try {
      namespace = await placeAt(folder).load(specifier)
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
export async function loadFunction(
  specifier: string | undefined,
  name: string,
  folder?: string,
): Promise<(...args: unknown[]) => unknown> {
  const namespace = specifier === undefined ? (globalThis as Namespace) : await loadModule(specifier, folder)
  const exported = own(namespace, name)
  const found = typeof exported === 'function' ? exported : (own(namespace['default'], name) ?? exported) // of CommonJS, the latter
  if (typeof found === 'function') return found as (...args: unknown[]) => unknown
  const what = found === undefined ? 'is not exported' : 'is not a function'
  throw new ForkError(
    'ERR_EXPORT_NOT_FOUND',
    specifier === undefined ? `there is no global function ${name}` : `${name} ${what} by ${specifier}`,
  )
}

/** A property, but nothing that every object or function has. */
function own(holder: unknown, name: string): unknown {
  const found = (holder as Namespace | null | undefined)?.[name]
  return found === (Object.prototype as unknown as Namespace)[name] ||
    found === (Function.prototype as unknown as Namespace)[name]
    ? undefined
    : found
}

/**
 * Runs code in the global scope, and the function that it evaluates to, if it is to be called.
 *
 * @throws `ERR_EVAL_FAILED`
 */
export async function evaluate({
  code,
  args,
  call,
  folder,
}: {
  code: string
  args: unknown[]
  call: boolean
  folder?: string
}): Promise<void> {
  try {
    const value = placeAt(folder).evaluate(`${code}\n//# sourceURL=anyfork-eval`)
    if (!call) await value
    else if (typeof value === 'function') await value(...args)
    else throw new TypeError('code with arguments evaluates to a function')
  } catch (cause) {
    throw new ForkError('ERR_EVAL_FAILED', `eval failed: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

/**
 * Runs a function several times, waiting for what it returns.
 *
 * @throws as `loadFunction`; `ERR_WARM_FAILED`
 */
export async function warm({
  module,
  name,
  folder,
  args,
  times,
}: {
  module: string
  name: string
  folder?: string
  args: unknown[]
  times: number
}): Promise<void> {
  const run = await loadFunction(module, name, folder)
  try {
    for (let i = 0; i < times; i++) await run(...args)
  } catch (cause) {
    throw new ForkError(
      'ERR_WARM_FAILED',
      `warming up ${name} of ${module} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

/** @param folder - left out, code belongs to the root */
function placeAt(folder = ''): Place {
  let place = places.get(folder)
  if (!place) {
    const filename = `${folder}/[anyfork]`
    const require = createRequire(filename)
    const Module = require('node:module') as ModuleConstructor
    const module = new Module(filename)
    module._compile(
      'exports.load = specifier => import(specifier); exports.evaluate = code => (0, eval)(code)',
      filename,
    )
    place = module.exports as Place
    places.set(folder, place)
  }
  return place
}

function loadError(specifier: string, cause: unknown): ForkError {
  const { code, message } = (cause ?? {}) as { code?: string; message?: string }
  const isMissing = code !== undefined && notFound.has(code)
  const why = message ?? String(cause)
  if (isMissing) return new ForkError('ERR_MODULE_NOT_FOUND', `cannot find module ${specifier}: ${why}`, { cause })
  return new ForkError('ERR_MODULE_FAILED', `module ${specifier} failed while loading: ${why}`, { cause })
}
