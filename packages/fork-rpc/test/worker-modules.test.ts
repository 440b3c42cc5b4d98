import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'mocha'

const dist = new URL('../', import.meta.url)

/** Returns the files that a built module loads, directly or not, from this package and its sisters. */
function filesLoadedBy(file: string, loaded: Set<string> = new Set()): Set<string> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const { resolve } = createRequire(file)
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?:.* from )?"(.+)";$/gm))
    if (/^(\.|@anyfork\/)/.test(specifier!)) filesLoadedBy(resolve(specifier!), loaded)
  return loaded
}

describe('the code that a template loads to serve calls', () => {
  for (const entry of ['sync', 'async', 'warm-up', 'index']) {
    it(`child/${entry} loads no code of the owner's side of fork or fork-rpc`, () => {
      const loaded = [...filesLoadedBy(fileURLToPath(new URL(`child/${entry}.js`, dist)))]
      assert.deepEqual(
        loaded.filter(file => /\/fork(-rpc)?\/dist\/(index|internal|caller)\.js$/.test(file)),
        [],
      )
      assert.ok(loaded.some(file => /\/fork-rpc\/dist\/(worker|shared)\.js$/.test(file)))
    })
  }
})
