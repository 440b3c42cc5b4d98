import { readFileSync } from 'node:fs'

/**
 * Makes a module loadable where its file does not exist: its text becomes its URL.
 *
 * @param file - an ES module that imports only what Node has
 */
export function sentModule(file: URL): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(readFileSync(file, 'utf8'))}`)
}
