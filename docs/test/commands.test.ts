import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { describe, it } from 'mocha'
import { codeBlocks, markdownFiles, top } from './support/markdown.js'

/** The packages that have a command. */
const packages = ['fork', 'fork-pool']

function manifest(name: string): { name: string; bin: Record<string, string> } {
  return JSON.parse(readFileSync(join(top, 'packages', name, 'package.json'), 'utf8'))
}

describe('the commands of the packages', () => {
  for (const name of packages)
    it(`npx @anyfork/${name} runs the only command of the package`, () => {
      assert.equal(Object.keys(manifest(name).bin).length, 1) // npx would have to guess otherwise
    })

  it('are shown under a name in our scope: npx would look up another one in the registry', () => {
    const names = packages.flatMap(name => Object.keys(manifest(name).bin))
    const bare = new RegExp(`(?:^|\\||&&)\\s*(?:npx\\s+)?(?:${names.join('|')})\\s`, 'm')
    for (const file of markdownFiles().filter(file => basename(file) !== 'CHANGELOG.md'))
      for (const { language, code } of codeBlocks(readFileSync(file, 'utf8')))
        if (language === 'sh') assert.doesNotMatch(code, bare, relative(top, file))
  })
})
