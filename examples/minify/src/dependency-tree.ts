import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Finds a package and all that it depends on, as installed.
 *
 * @param name - of the package
 * @param folder - where the look-up starts
 * @returns the folders of the packages, each once
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

/** All files of JavaScript in a package's folder, without those of packages within. */
export function scriptsIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : scriptsIn(path)
    return entry.isFile() && /\.[cm]?js$/.test(entry.name) ? [path] : []
  })
}

function findPackage(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (at === dirname(at)) return undefined
  }
}
