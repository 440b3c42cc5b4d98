import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { entriesOf, PACKAGES, PublicApi } from './public-api.js'
import { snapshotFile } from './snapshots.js'

// Accepts the current public API: writes the declarations of every entry point to `declarations/`.
const entries = PACKAGES.flatMap(entriesOf)
const api = new PublicApi(entries)
for (const entry of entries) {
  const file = snapshotFile(entry)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, api.declarations(entry))
}
