import { createRequire } from 'node:module'
import { messageOf } from '../error-codec.js'
import { ForkError } from '../errors.js'

type Namespace = Record<string, unknown>
/** Node's class of CommonJS modules. Tools that hook into it rely on `_compile`. */
type ModuleConstructor = new (id: string) => { exports: unknown; _compile(code: string, filename: string): unknown }

/** Code that belongs to a folder: its imports are looked up from there. */
interface Place {
  load(specifier: string): Promise<Namespace>
  /** Evaluates code in the global scope, by indirect eval. */
  evaluate(code: string): unknown
}

const places = new Map<string, Place>()
/** The file name that Node's loaders show for a place. */
const PLACE = '[anyfork]'
/** The loaded modules, so that a function of one is found without the loader, which takes its time. */
const loaded = new Map<string, Namespace>()

/** The codes by which Node's loaders report a module that does not exist. */
const notFound = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_UNSUPPORTED_DIR_IMPORT',
  'ERR_INVALID_MODULE_SPECIFIER',
  'ERR_UNKNOWN_BUILTIN_MODULE',
])

/** Returns the folder from which names are looked up if none is given. */
let defaultFolder = (): string => ''

/** Sets the folder from which names are looked up if none is given; by default, the root, where there are no packages. */
export function lookUpByDefaultFrom(folder: () => string): void {
  defaultFolder = folder
}

/**
 * Loads an ES module or a CommonJS module.
 *
 * @param specifier - a file URL, or a name
 * @param folder - the folder from which a name is looked up
 * @throws `ERR_MODULE_NOT_FOUND`, `ERR_MODULE_FAILED`
 */
export async function loadModule(specifier: string, folder?: string): Promise<Namespace> {
  const key = keyOf(specifier, folder)
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

/** Returns whether `loadModule` has loaded a module. */
export function isLoaded(specifier: string, folder?: string): boolean {
  return loaded.has(keyOf(specifier, folder))
}

function keyOf(specifier: string, folder: string | undefined): string {
  return /^(file|data|node):/.test(specifier) ? specifier : `${specifier}\n${folder ?? defaultFolder()}`
}

/**
 * Finds a function.
 *
 * @param specifier - its module; `undefined` for a global function
 * @throws as `loadModule`; `ERR_EXPORT_NOT_FOUND`
 */
export async function loadFunction(
  specifier: string | undefined,
  name: string,
  folder?: string,
): Promise<(...args: unknown[]) => unknown> {
  const namespace = specifier === undefined ? (globalThis as Namespace) : await loadModule(specifier, folder)
  const exported = own(namespace, name)
  // Node does not detect all exports of CommonJS modules; `default` is `module.exports` itself.
  const found = typeof exported === 'function' ? exported : (own(namespace['default'], name) ?? exported)
  if (typeof found === 'function') return found as (...args: unknown[]) => unknown
  const what = found === undefined ? 'is not exported' : 'is not a function'
  throw new ForkError(
    'ERR_EXPORT_NOT_FOUND',
    specifier === undefined ? `there is no global function ${name}` : `${name} ${what} by ${show(specifier)}`,
  )
}

/** Returns an own property: an inherited one, such as `toString`, is not an export. */
function own(holder: unknown, name: string): unknown {
  return holder != null && Object.hasOwn(holder, name) ? (holder as Namespace)[name] : undefined
}

/**
 * Runs code in the global scope. If `call` is true, calls the function that the code evaluates to.
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
    else throw new TypeError('code with arguments must evaluate to a function')
  } catch (cause) {
    throw new ForkError('ERR_EVAL_FAILED', `eval failed: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/**
 * Calls a function several times, and awaits each result.
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
    throw new ForkError('ERR_WARM_FAILED', `warming up ${name} of ${show(module)} failed: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/**
 * Calls a function, and awaits its result.
 *
 * @throws as `loadFunction`; `ERR_CALL_FAILED`
 */
export async function call({
  module,
  name,
  folder,
  args,
}: {
  module: string
  name: string
  folder?: string
  args: unknown[]
}): Promise<unknown> {
  const run = await loadFunction(module, name, folder)
  try {
    return await run(...args)
  } catch (cause) {
    throw new ForkError('ERR_CALL_FAILED', `${name} of ${show(module)} failed: ${messageOf(cause)}`, { cause })
  }
}

/** @param folder - the default folder if left out */
function placeAt(folder = defaultFolder()): Place {
  let place = places.get(folder)
  if (!place) {
    const filename = `${folder}/${PLACE}`
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
  const { code } = (cause ?? {}) as { code?: string }
  const isMissing = code !== undefined && notFound.has(code)
  const module = show(specifier)
  const why = show(withoutPlace(messageOf(cause)).replaceAll(specifier, module))
  if (isMissing) return new ForkError('ERR_MODULE_NOT_FOUND', `cannot find module ${module}: ${why}`, { cause })
  return new ForkError('ERR_MODULE_FAILED', `module ${module} failed while loading: ${why}`, { cause })
}

/** Leaves only the folder of the name of a place, and nothing of that at the root, where no names are looked up. */
function withoutPlace(text: string): string {
  return text.replace(/( imported from .*)\/\[anyfork\]/, '$1').replace(/ imported from (?=\n|$)/, '')
}

/** Shortens data: URLs, which contain code. */
function show(text: string): string {
  return text.startsWith('data:') ? 'data:…' : text.replaceAll(/\bdata:[^\s'"]*/g, 'data:…')
}
