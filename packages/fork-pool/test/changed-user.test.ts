import assert from 'node:assert/strict'
import { outputOf } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { useFolder } from './support/folder.js'

const poolModule = JSON.stringify(import.meta.resolve('@anyfork/fork-pool'))
const preforkModule = JSON.stringify(import.meta.resolve('@anyfork/fork-pool/prefork'))
const worker = JSON.stringify(new URL('./fixtures/worker.js', import.meta.url))

describe('a pool whose program has changed its user, and may not kill its workers', () => {
  const pathOf = useFolder()
  before(function () {
    if (process.getuid?.() !== 0) this.skip() // only root can change its user
  })

  for (const isolate of [false, true])
    it(`rejects a call whose ${isolate ? 'process' : 'worker'} does not start in time`, async () => {
      const output = await outputOf(`
        import { pool, ForkProcess } from ${poolModule}
        const template = ForkProcess.exec().sendArg(${JSON.stringify(pathOf(''))}, 'hangs', 'hangs', 'hangs', 'hangs')
        await template.ready()
        const call = pool(template, new URL(${worker}), 'echo', { init: 'startAs', startTimeout: 200, isolate: ${isolate} })
        const answer = call('a')
        process.setuid(65534)
        console.log(await answer.catch(error => error.code))
        process.exit()
      `)
      assert.equal(output, 'ERR_POOL_START_TIMEOUT\n')
    })

  it('rejects a call that takes too long', async () => {
    const output = await outputOf(`
      import { pool } from ${poolModule}
      const call = pool(new URL(${worker}), 'sleep', { timeout: 1000 })
      await call(0)
      process.setuid(65534)
      console.log(await call(5000).catch(error => error.code))
      process.exit()
    `)
    assert.equal(output, 'ERR_POOL_TIMEOUT\n')
  })

  it('destroy() rejects its calls, and resolves when the workers have ended by themselves', async () => {
    const output = await outputOf(`
      import { pool } from ${poolModule}
      const call = pool(new URL(${worker}), 'sleep', { max: 1 })
      await call(0)
      const answer = call(300)
      process.setuid(65534)
      await Promise.all([call.destroy(), answer.catch(error => console.log(error.code))])
    `)
    assert.equal(output, 'ERR_POOL_DESTROYED\n')
  })

  it('stop() of a prefork server waits for requests that take longer than the grace period', async () => {
    const source = `export default () => (_, response) => {
      response.flushHeaders()
      setTimeout(() => response.end('late'), 500)
    }`
    const output = await outputOf(`
      import { prefork } from ${preforkModule}
      import { once } from 'node:events'
      import { get } from 'node:http'
      import { text } from 'node:stream/consumers'
      const module = ${JSON.stringify(`data:text/javascript,${encodeURIComponent(source)}`)}
      const server = await prefork(module, { workers: 1, listen: { host: '127.0.0.1' }, signals: false })
      const { port } = server.address
      const [response] = await once(get({ port, host: '127.0.0.1', agent: false }), 'response')
      process.setuid(65534)
      const stopped = server.stop({ grace: 1 })
      console.log(await text(response))
      await stopped
      console.log('stopped')
    `)
    assert.equal(output, 'late\nstopped\n')
  })
})
