import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, it } from 'mocha'

const top = resolve(import.meta.dirname, '../../..')
const files = execFileSync('git', ['ls-files'], { cwd: top, encoding: 'utf8' }).trim().split('\n')
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'UPGRADING.md',
  ...readdirSync(join(top, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

for (const document of documents) {
  describe(document, () => {
    const text = readFileSync(join(top, document), 'utf8')

    it('names only source files that exist', () => {
      const named = [...text.matchAll(/`((?:[\w-]+\/)*[\w-]+\.(?:ts|c|h))`/g)].map(([, name]) => name!)
      const missing = named.filter(name => !files.some(file => `/${file}`.endsWith(`/${name}`)))
      assert.deepEqual(missing, [])
    })

    it('links only to files and folders that exist', () => {
      const targets = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => target!)
      assert.deepEqual(
        targets.filter(target => !existsSync(join(top, dirname(document), target))),
        [],
      )
    })
  })
}
