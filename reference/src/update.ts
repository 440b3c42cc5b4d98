import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { entriesOf, PACKAGES, publicApi } from './public-api.js'
import { snapshotFile } from './snapshots.js'

// Accepts the current public API: writes the declarations of every entry point to `declarations/`.
for (const entry of PACKAGES.flatMap(entriesOf)) {
  const file = snapshotFile(entry)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, publicApi().declarations(entry))
}
