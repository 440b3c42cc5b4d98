import { resolve } from 'node:path'
import type { Entry } from './public-api.js'

/** Returns the file that holds the accepted declarations of an entry point. `update.ts` writes it, and a test compares it. */
export function snapshotFile({ specifier }: Entry): string {
  const name = specifier.slice('@anyfork/'.length).replace('/', '-')
  return resolve(import.meta.dirname, '../declarations', `${name}.d.ts`)
}
