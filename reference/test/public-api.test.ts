import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { entriesOf, PACKAGES, publicApi } from '@anyfork/reference/public-api'
import { snapshotFile } from '@anyfork/reference/snapshots'
import { describe, it } from 'mocha'

const entries = PACKAGES.flatMap(entriesOf)

describe('the public API', () => {
  for (const entry of entries) {
    it(`${entry.specifier} exports what reference/declarations says`, () => {
      const file = snapshotFile(entry)
      assert.equal(
        publicApi().declarations(entry),
        existsSync(file) ? readFileSync(file, 'utf8') : '',
        'The public API has changed. If that is meant, run: npm run update --workspace @anyfork/reference',
      )
    })
  }
})
