import { resolve } from 'node:path'
import type { Entry } from './public-api.js'

/** The file of an entry's declarations, as they were when the public API last changed on purpose. */
export function snapshotFile({ specifier }: Entry): string {
  const name = specifier.slice('@anyfork/'.length).replace('/', '-')
  return resolve(import.meta.dirname, '../declarations', `${name}.d.ts`)
}
