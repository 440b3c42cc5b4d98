/**
 * Loads the native addon of a package. It uses nothing of this package, so that it can refuse before an addon is loaded.
 * Sister packages use it, too. Not part of the documented API.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Why an addon was not loaded. */
export type LoadErrorCode =
  | 'ERR_ADDON_NOT_ALLOWED'
  | 'ERR_ADDON_NOT_FOUND'
  | 'ERR_BUNDLED'
  | 'ERR_UNSUPPORTED_PLATFORM'
  | 'ERR_UNSUPPORTED_RUNTIME'

/** Tells how to keep these packages out of a bundle. */
const EXTERNAL = [
  'mark @anyfork/* as external, by --external:@anyfork/* for esbuild',
  'external: /^@anyfork\\// for Rollup and rolldown',
  'externals: /^@anyfork\\// for webpack',
  '--external @anyfork/fork-pool for ncc, once for each package that is imported',
  'and see https://github.com/anyfork/anyfork/blob/main/docs/RECIPES.md#bundlers',
].join(', ')

/** The packages that have an addon. */
const ADDONS = ['@anyfork/fdpass', '@anyfork/fork']

/** An error of Node's permission model. */
interface Denied extends NodeJS.ErrnoException {
  permission?: string
  resource?: string
}

/** Exists in a module that webpack has put into a bundle. */
declare const __webpack_require__: unknown

/**
 * Loads the addon of a package.
 *
 * @param name - the name of the package
 * @param folder - the folder of the package
 * @returns the exports of the addon
 * @throws Error with a code of `LoadErrorCode` that says what to do
 */
export function loadAddon(name: string, folder: string): unknown {
  assertSupported(name)
  if (nameOfPackage(folder) !== name) throw bundled(name)
  try {
    // An import would have Node look for the names that CommonJS exports, which takes as long as loading the addon.
    const load = createRequire(join(folder, 'package.json'))('node-gyp-build') as (folder: string) => unknown
    return load(folder)
  } catch (cause) {
    throw explained(name, folder, cause)
  }
}

/**
 * Checks that a module of a package is in a file of that package.
 *
 * @param name - the name of the package
 * @param folder - the folder of the module, `import.meta.dirname`, which some bundlers remove
 * @throws `ERR_BUNDLED`
 */
export function assertUnbundled(name: string, folder: string | undefined): void {
  if (folder === undefined || typeof __webpack_require__ === 'function') throw bundled(name)
}

/** @throws `ERR_UNSUPPORTED_RUNTIME`, `ERR_UNSUPPORTED_PLATFORM` */
function assertSupported(name: string): void {
  const { bun, deno } = process.versions
  const runtime = bun === undefined ? deno && 'Deno' : 'Bun'
  if (runtime)
    throw loadError(
      'ERR_UNSUPPORTED_RUNTIME',
      `${name} does not work in ${runtime}, which lacks functions of Node.js that its addon needs: run the program with Node.js`,
    )
  if (process.platform === 'win32')
    throw loadError(
      'ERR_UNSUPPORTED_PLATFORM',
      `${name} does not work on Windows, which can neither fork processes nor pass descriptors: use Linux, macOS, or WSL`,
    )
}

/** Returns the name in the package.json of a folder. */
function nameOfPackage(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }).name
  } catch {
    return undefined
  }
}

function bundled(name: string): Error {
  return loadError(
    'ERR_BUNDLED',
    `${name} does not work in a bundle, which lacks its addon and other files: ${EXTERNAL}`,
  )
}

/** Says what to do about an error of Node or node-gyp-build. */
function explained(name: string, folder: string, cause: unknown): Error {
  const { code, message, permission, resource } = cause as Denied
  if (code === 'ERR_ACCESS_DENIED')
    return loadError(
      'ERR_ADDON_NOT_ALLOWED',
      `${name} may not read ${resource || 'a file'}, which it needs to find its addon (${permission}): allow it with --allow-fs-read=${resource || '*'}`,
      cause,
    )
  if (code === 'ERR_DLOPEN_DISABLED')
    return loadError(
      'ERR_ADDON_NOT_ALLOWED',
      `Node.js may not load the addon of ${name}: allow it with --allow-addons, or start the program without --no-addons`,
      cause,
    )
  const names = addonsBeside(name, folder).join(' ')
  return loadError(
    'ERR_ADDON_NOT_FOUND',
    `${name} has no addon that this system can load (${firstLine(message)}): install make, g++, and Python, and run npm rebuild ${names}; with npm 12, first npm install-scripts approve ${names}`,
    cause,
  )
}

/** Returns the packages with an addon that are installed where a package looks up others: they lack theirs, too. */
function addonsBeside(name: string, folder: string): string[] {
  const { resolve } = createRequire(join(folder, 'package.json'))
  return ADDONS.filter(addon => {
    if (addon === name) return true
    try {
      resolve(`${addon}/package.json`)
      return true
    } catch {
      return false
    }
  })
}

function firstLine(text: string): string {
  return String(text).split('\n', 1)[0]!
}

function loadError(code: LoadErrorCode, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code })
}
