import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'
import { ForkProcess } from '@anyfork/fork-pool'
import { type PreforkOptions, prefork } from '@anyfork/fork-pool/prefork'
import { describe, it } from 'mocha'

const module = pathToFileURL('/does/not/matter.js')
const invalid: object[] = [
  { workers: 0 },
  { workers: 1.5 },
  { workers: '2' },
  { listen: -1 },
  { listen: '80' },
  { listen: null },
  { listen: { port: 65_536 } },
  { listen: { path: '' } },
  { listen: { path: '/tmp/x', port: 1 } },
  { listen: { path: '/tmp/x', fd: 0 } },
  { listen: { path: '/tmp/x', reusePort: true } },
  { listen: { backlog: 0 } },
  { listen: { reusePort: 1 } },
  { listen: { fd: 0.5 } },
  { listen: { fd: createServer() } }, // does not listen
  { listen: { fd: 0 } }, // no socket
  { listen: { prot: 1 } },
  { grace: -1 },
  { grace: Infinity },
  { idleGrace: NaN },
  { startTimeout: '1' },
  { backOff: 5 },
  { backOff: { first: -1 } },
  { backOff: { last: 1 } },
  { signals: 'SIGHUP' },
  { done: '' },
  { onError: 1 },
  { onWorker: {} },
  { max: 2 },
]

describe('the options of prefork()', () => {
  for (const options of invalid)
    it(`${JSON.stringify(options)} is a TypeError`, async () => {
      await assert.rejects(prefork(module, options as PreforkOptions), TypeError)
    })

  it('options that are not an object, a relative module, and a function that makes no template are a TypeError', async () => {
    for (const options of [null, 5, [], () => {}])
      await assert.rejects(prefork(module, options as never), {
        name: 'TypeError',
        message: /^the options of prefork\(\) must be an object/,
      })
    await assert.rejects(prefork('./relative.js'), TypeError)
    await assert.rejects(prefork((() => 1) as never, module), /the template function must return a ForkProcess/)
    await assert.rejects(prefork({} as never, module), /template must be a ForkProcess/)
    await assert.rejects(prefork((() => ForkProcess.create()) as never, module, ''), TypeError)
  })
})
