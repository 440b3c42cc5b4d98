import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Finds an installed package and all its dependencies.
 *
 * @param name - the name of the package
 * @param folder - the folder from which the package is looked up, as `require` does
 * @param found - the folders that have been found so far; the function adds to it
 * @returns the folder of each package, empty if the package is not installed
 */
export function installedTree(name: string, folder: string, found: Set<string> = new Set()): Set<string> {
  const home = findPackage(name, folder)
  if (!home || found.has(home)) return found
  found.add(home)
  const { dependencies = {} } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const dependency of Object.keys(dependencies)) installedTree(dependency, home, found)
  return found
}

/** Lists the JavaScript files in the folder of a package, except those of packages that are installed inside it. */
export function scriptsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : scriptsIn(path)
    return entry.isFile() && /\.[cm]?js$/.test(entry.name) ? [path] : []
  })
}

/** Looks for `node_modules/<name>` in a folder and in all folders above it. */
function findPackage(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (at === dirname(at)) return undefined
  }
}
