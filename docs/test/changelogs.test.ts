import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'mocha'
import { top } from './support/markdown.js'

const names = ['fdpass', 'fdpasser', 'fork', 'fork-rpc', 'fork-pool']
/** In the order of https://common-changelog.org. */
const categories = ['Changed', 'Added', 'Removed', 'Fixed']

for (const name of names) {
  describe(`the changelog of ${name}`, () => {
    const folder = join(top, 'packages', name)
    const text = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
    const releases = text.split(/^## /m).slice(1)

    it('has an entry for the version of the package', () => {
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      assert.ok(
        releases.some(release => release.startsWith(`[${version}] - `)),
        version,
      )
    })

    it('has a link and a valid date for each version', () => {
      for (const release of releases) {
        const [, version, date] = /^\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)\n/.exec(release) ?? []
        assert.ok(version && date, release.split('\n')[0])
        assert.equal(new Date(date).toISOString().slice(0, 10), date)
        assert.ok(text.includes(`\n[${version}]: https://`), `there is no link for ${version}`)
      }
    })

    it('has the categories of Common Changelog, in their order', () => {
      for (const release of releases) {
        const found = [...release.matchAll(/^### (.*)$/gm)].map(([, category]) => category!)
        assert.deepEqual(
          found,
          categories.filter(category => found.includes(category)),
        )
      }
    })
  })
}
