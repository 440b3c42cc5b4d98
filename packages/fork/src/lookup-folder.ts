import { createRequire, isBuiltin } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'
import { workingDirectory } from './module-specifier.js'

/** Flags with which Node runs no file: the words after them are arguments of the code. */
const WITHOUT_FILE = /^(-e|--eval|-p|--print|-pe|-i|--interactive)(=|$)/

/** What decides the folder instead of this process. */
let given: ((names: readonly string[]) => string | undefined) | undefined

/**
 * Lets names of packages be looked up from another folder than that of the main module.
 *
 * @param folderOf - returns the folder for these names, which are looked up together; `undefined`: the usual one
 */
export function lookUpFrom(folderOf: (names: readonly string[]) => string | undefined): void {
  given = folderOf
}

/**
 * For command lines, whose main module is not the user's: lets names be looked up from the working folder, unless they
 * are found from the main module only.
 */
export function preferWorkingDirectory(): void {
  const folder = workingDirectory()
  const main = mainModule()
  if (folder === undefined) return
  const areFound = (names: readonly string[], from: string): boolean => names.every(name => isFound(name, from))
  lookUpFrom(names =>
    main !== undefined && !areFound(names, folder) && areFound(names, dirname(main)) ? undefined : folder,
  )
}

/**
 * Returns the folder from which another process looks up these modules: see `programFolder`. Returns `undefined` if all
 * of them mean the same anywhere.
 *
 * @param specifiers - as `resolveSpecifier` returned them
 * @throws `ENOENT` if there is no main module and the working folder was removed
 */
export function lookUpFolder(...specifiers: readonly (string | undefined)[]): string | undefined {
  const names = specifiers.filter(isLookedUp)
  return names.length ? (programFolder(names) ?? process.cwd()) : undefined
}

/**
 * Returns the folder of the program's main module, as for `require.main`; in a process that takes orders, that of its
 * owner's main module. Returns `undefined` if there is no main module: in the REPL, with `--eval`, or if the program was
 * read from standard input.
 */
export function programFolder(names: readonly string[] = []): string | undefined {
  const folder = given?.(names)
  if (folder !== undefined) return folder
  const main = mainModule()
  return main === undefined ? undefined : dirname(main)
}

/** Returns the path of the main module without symbolic links, as Node resolves it. */
function mainModule(): string | undefined {
  if (process.execArgv.some(flag => WITHOUT_FILE.test(flag))) return undefined
  const require = createRequire('/')
  const commonJs = (require.main as NodeJS.Module | undefined)?.filename // undefined for an ES module
  const main = commonJs ?? process.argv[1]
  if (main === undefined || !isAbsolute(main)) return undefined
  try {
    return require.resolve(main) // it may be a symbolic link or a folder, or lack its extension
  } catch {
    return undefined
  }
}

function isFound(name: string, folder: string): boolean {
  try {
    createRequire(join(folder, '[anyfork]')).resolve(name)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND' // it may have exports for import() only
  }
}

function isLookedUp(specifier: string | undefined): specifier is string {
  return specifier !== undefined && !/^(file|data):/.test(specifier) && !isBuiltin(specifier)
}
