import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { ForkProcess } from '@anyfork/fork'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

/** Returns why an addon cannot be loaded here: it is not installed, or it was built for another version of Node. */
function whyNot(module: URL): string | undefined {
  const { status, signal, stderr } = spawnSync(process.execPath, [fileURLToPath(module)], { encoding: 'utf8' })
  return status === 0 ? undefined : (signal ?? /^Error: .*/m.exec(stderr)?.[0] ?? stderr)
}

describe('addons that a template has loaded', () => {
  for (const [name, expected] of [
    ['sharp', { format: 'png', width: 8 }],
    ['@swc/core', { sync: true, async: true }],
    ['better-sqlite3', { sum: 42 }],
  ] as const) {
    it(`${name}, loaded in the template, works in its children`, async function () {
      const module = new URL(`./fixtures/addon-${name.replace(/\W/g, '')}.cjs`, import.meta.url)
      const why = whyNot(module)
      if (why) {
        console.log(`      ${name} cannot be loaded, so this is skipped: ${why}`)
        return this.skip()
      }
      const template = ForkProcess.exec().require(module)
      const { addons } = await template.check()
      assert.ok(
        addons.some(file => file.endsWith('.node') && file.includes(name.split('/')[0]!)),
        addons.join(),
      )
      const children = Array.from({ length: 4 }, () => template.fork())
      for (const seen of await Promise.all(children.map(async child => answer(await child.run(module, 'work')))))
        assert.deepEqual(seen, expected)
      for (const child of children) {
        assert.equal(child.mode, 'fork')
        assert.deepEqual(await child.exited, { code: 0, signal: null })
      }
      await template.close()
    })
  }
})
