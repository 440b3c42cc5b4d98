import assert from 'node:assert/strict'
import { ForkProcess } from '@anyfork/fork'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

const module = new URL('./fixtures/web-assembly.js', import.meta.url)
/** 200 functions are called 5000 times, and return 55. */
const SUM = 55_000_000
const CHILDREN = isSoak ? 4 : 2

describe('WebAssembly, for which V8 uses threads', () => {
  const cases: [title: string, execArgv: string[]][] = [
    ['works in a template and its children', []],
    ['works if a module is preloaded', ['--import', module.href]],
  ]
  for (const [title, execArgv] of cases) {
    it(title, async () => {
      const template = ForkProcess.exec({ execArgv }).warm(module, 'compile')
      await template.ready()
      const children = Array.from({ length: CHILDREN }, () => template.fork())
      for (const child of children) {
        assert.deepEqual(await answer(await child.run(module, 'sums')), [true, SUM, SUM, SUM, SUM])
        assert.deepEqual(await child.exited, { code: 0, signal: null })
      }
      await template.close()
    })

    it(`fetch() ${title}`, async () => {
      const template = ForkProcess.exec({ execArgv }).require(module)
      const child = template.fork()
      assert.equal(await answer(await child.run(module, 'fetchPage')), 'a page')
      assert.deepEqual(await child.exited, { code: 0, signal: null })
      await template.close()
    })
  }
})
