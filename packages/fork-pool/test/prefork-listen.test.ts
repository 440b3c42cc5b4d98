import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, renameSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { listen } from '@anyfork/fdpass'
import { describe, it } from 'mocha'
import { reasonOf } from './support/pools.js'
import { get, PIDS, portOf, usePrefork } from './support/prefork.js'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const canReusePort = process.platform === 'linux' && (major >= 24 || (major === 22 && minor >= 12))

describe('the option listen of prefork()', () => {
  const suite = usePrefork()

  it('takes a port', async () => {
    const server = await suite.start(PIDS, { listen: 0 })
    assert.equal((await get(server)).status, 200)
  })

  it('rejects with EADDRINUSE if another program listens there', async () => {
    const server = await suite.start(PIDS)
    const listen = { host: '127.0.0.1', port: portOf(server) }
    const { prefork } = await import('@anyfork/fork-pool/prefork')
    assert.equal((await reasonOf(prefork(suite.module, { listen })))?.code, 'EADDRINUSE')
  })

  it('takes the path of a socket file, and removes the file when the server stops', async () => {
    const path = suite.pathOf('socket')
    listen(path).close() // leaves a dead socket file
    const server = await suite.start(PIDS, { listen: { path } })
    assert.equal(server.address, path)
    assert.equal((await get(server)).status, 200)
    await server.reload()
    assert.equal((await get(server)).status, 200)
    await server.stop()
    assert.equal(existsSync(path), false)
  })

  it('leaves the socket file of a later program alone', async () => {
    const path = suite.pathOf('socket')
    const server = await suite.start(PIDS, { listen: { path } })
    const later = createServer().listen(suite.pathOf('later'))
    await once(later, 'listening')
    renameSync(suite.pathOf('later'), path)
    await server.stop()
    assert.equal(existsSync(path), true)
    later.close()
  })

  it('takes a listener that exists already, which stays open', async () => {
    const mine = createServer(socket => socket.end()).listen(0, '127.0.0.1')
    await once(mine, 'listening')
    const { port } = mine.address() as AddressInfo
    const server = await suite.start(PIDS, { listen: { fd: mine } })
    assert.equal(portOf(server), port)
    await server.stop()
    assert.equal(mine.listening, true)
    mine.close()
  })

  it('gives each worker a listener of its own with reusePort', async function () {
    if (!canReusePort) this.skip()
    const server = await suite.start(PIDS, { workers: 3, listen: { host: '127.0.0.1', reusePort: true } })
    const bodies = new Set<string>()
    while (bodies.size < 3) bodies.add((await get(server)).body)
    await server.reload()
    for (let i = 0; i < 20; i++) assert.equal(bodies.has((await get(server)).body), false)
  })
})
