import { statSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The function that is called. */
export interface Target {
  /** A file URL, or the name of a package. */
  module: string | URL
  /** The name of the export. */
  name: string
}

/** Splits a target at its last `#`. Without one, or if a file has this name, the function is the default export. */
export function targetOf(text: string): Target {
  const hash = isFile(text) ? -1 : text.lastIndexOf('#')
  return hash < 0
    ? { module: moduleAt(text), name: 'default' }
    : { module: moduleAt(text.slice(0, hash)), name: text.slice(hash + 1) }
}

/** Returns a URL for an existing file or anything that looks like a path; otherwise, the name of a package. */
export function moduleAt(module: string): string | URL {
  if (/^file:/.test(module)) return new URL(module)
  return isFile(module) || /^\.{0,2}\//.test(module) ? pathToFileURL(module) : module
}

/** Returns the text of a call, as `--dry-run` prints it. */
export function textOfCall({ module, name }: Target, value: unknown): string {
  const path = module instanceof URL ? fileURLToPath(module) : module
  return `${path}#${name}(${JSON.stringify(value)})`
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}
