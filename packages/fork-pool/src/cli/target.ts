import { statSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** A module and the name of a function: after the last `#`, or the default export. */
export function splitTarget(target: string): [module: string | URL, name: string] {
  if (isFile(target)) return [moduleAt(target), 'default']
  const hash = target.lastIndexOf('#')
  return hash < 0 ? [moduleAt(target), 'default'] : [moduleAt(target.slice(0, hash)), target.slice(hash + 1)]
}

/** A file where there is one, or what looks like a path; else a package. */
export function moduleAt(module: string): string | URL {
  if (/^file:/.test(module)) return new URL(module)
  return isFile(module) || /^\.{0,2}\//.test(module) ? pathToFileURL(module) : module
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
