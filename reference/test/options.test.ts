import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fdpass from '@anyfork/fdpass'
import * as fdpasser from '@anyfork/fdpasser'
import * as fork from '@anyfork/fork'
import { forkTemplate } from '@anyfork/fork/template'
import * as pool from '@anyfork/fork-pool'
import { type PreforkServer, prefork } from '@anyfork/fork-pool/prefork'
import * as rpc from '@anyfork/fork-rpc'
import { type CallWithOptions, publicApi } from '@anyfork/reference/public-api'
import { after, before, describe, it } from 'mocha'

/** Makes the call with these options; all other arguments are valid. */
type MakeCall = (options: never) => unknown

const folder = mkdtempSync(join(tmpdir(), 'anyfork-options-'))
const bytes = Buffer.alloc(4)
let sockets: [fdpass.Descriptor, fdpass.Descriptor]
let listener: fdpass.Descriptor
let receiver: fdpass.StreamReceiver
let watch: fdpass.Watch
let passer: fdpasser.FdPasser
let template: fork.ForkProcess
let call: rpc.Rpc
let remote: rpc.Remote<typeof import('node:path')>
let server: PreforkServer
let callPool: pool.ForkPool
let pooled: pool.PooledModule<typeof import('node:path')>

/** How to make each public call that takes options. The first test finds the calls that are missing here. */
const calls: Record<string, MakeCall> = {
  '@anyfork/fdpass new DescriptorReceiver()': options => new fdpass.DescriptorReceiver(sockets[0], options),
  '@anyfork/fdpass StreamReceiver.prototype.receive()': options => receiver.receive(bytes, 0, options),
  '@anyfork/fdpass Watch.prototype.change()': options => watch.change(options),
  '@anyfork/fdpass acceptAll()': options => fdpass.acceptAll(listener, options),
  '@anyfork/fdpass listen()': options => fdpass.listen(join(folder, 'listen'), options),
  '@anyfork/fdpass receiveMessage()': options => fdpass.receiveMessage(sockets[0], bytes, options),
  '@anyfork/fdpass sendMany()': options => fdpass.sendMany(sockets[0], [], options),
  '@anyfork/fdpass sendMessage()': options => fdpass.sendMessage(sockets[0], bytes, [], options),
  '@anyfork/fdpass socketpair()': options => fdpass.socketpair(options),
  '@anyfork/fdpass storeDescriptors()': options => fdpass.storeDescriptors('name', [0], options),
  '@anyfork/fdpass systemdDescriptors()': options => fdpass.systemdDescriptors(options),
  '@anyfork/fdpass watch() 1': options => fdpass.watch(sockets[0], options, () => {}),
  '@anyfork/fdpass watch() 3': options => fdpass.watch(sockets[0], { readable: true }, () => {}, options),
  '@anyfork/fdpasser new FdPasser()': options => new fdpasser.FdPasser(options),
  '@anyfork/fdpasser FdPasser.prototype.pushSend()': options => passer.pushSend(0, options),
  '@anyfork/fdpasser accept()': options => fdpasser.accept(sockets[0], options),
  '@anyfork/fdpasser connect()': options => fdpasser.connect(join(folder, 'connect'), options),
  '@anyfork/fork ForkProcess.create()': options => fork.ForkProcess.create(options),
  '@anyfork/fork ForkProcess.exec()': options => fork.ForkProcess.exec(options),
  '@anyfork/fork ForkProcess.templateOptions =': options => {
    fork.ForkProcess.templateOptions = options
  },
  '@anyfork/fork ForkProcess.prototype.configure()': options => template.configure(options),
  '@anyfork/fork ForkProcess.prototype.fork()': options => template.fork(options),
  '@anyfork/fork ForkProcess.prototype.refork()': options => template.refork(options),
  '@anyfork/fork ForkProcess.prototype.inspect()': options => template.inspect(options),
  '@anyfork/fork ForkProcess.prototype.restrict()': options => template.restrict(options),
  '@anyfork/fork new ProcessExitedError()': options =>
    new fork.ProcessExitedError({ code: 1, signal: null }, 'process', options),
  '@anyfork/fork/template forkTemplate()': options => forkTemplate(options),
  '@anyfork/fork-rpc Rpc.prototype.with()': options => call.with(options),
  '@anyfork/fork-rpc RemoteFunction.prototype.with()': options => remote.basename.with(options),
  '@anyfork/fork-rpc run() 2': options => rpc.run(template, 'name', options),
  '@anyfork/fork-rpc run() 3': options => rpc.run(template, 'node:path', 'basename', options),
  '@anyfork/fork-rpc connect()': options => rpc.connect(template, 'node:path', options),
  '@anyfork/fork-pool ForkPool.prototype.with()': options => callPool.with(options),
  '@anyfork/fork-pool PoolFunction.prototype.with()': options => pooled.basename.with(options),
  '@anyfork/fork-pool ForkPool.prototype.close()': options => callPool.close(options),
  '@anyfork/fork-pool PoolControl.prototype.close()': options => pool.poolOf(pooled).close(options),
  '@anyfork/fork-pool pool() 1': options => pool.pool('node:path', options),
  '@anyfork/fork-pool pool() 2': options => pool.pool('node:path', 'basename', options),
  '@anyfork/fork-pool pool() 3': options => pool.pool(template, 'node:path', 'basename', options),
  '@anyfork/fork-pool connectPool() 1': options => pool.connectPool('node:path', options),
  '@anyfork/fork-pool connectPool() 2': options => pool.connectPool(template, 'node:path', options),
  '@anyfork/fork-pool/prefork prefork() 1': options => prefork('node:path', options),
  '@anyfork/fork-pool/prefork prefork() 2': options => prefork('node:path', 'basename', options),
  '@anyfork/fork-pool/prefork prefork() 3': options => prefork(template, 'node:path', 'basename', options),
  '@anyfork/fork-pool/prefork PreforkServer.prototype.stop()': options => server.stop(options),
}

/** Any value is valid for these. */
const takesAnything = new Set(['cause', 'key'])

describe('the options of every public call', () => {
  const found = publicApi().callsWithOptions()
  const several = (wanted: CallWithOptions): boolean =>
    found.filter(({ specifier, name }) => specifier === wanted.specifier && name === wanted.name).length > 1
  const keyOf = (one: CallWithOptions): string =>
    `${one.specifier} ${one.name}${several(one) ? ` ${one.position}` : ''}`

  before(async () => {
    sockets = fdpass.socketpair()
    listener = fdpass.listen(join(folder, 'listener'))
    receiver = new fdpass.StreamReceiver(sockets[0])
    watch = fdpass.watch(sockets[1], { readable: true }, () => {})
    passer = new fdpasser.FdPasser()
    passer.iAmParent()
    template = fork.ForkProcess.exec()
    call = rpc.run(template.fork(), 'node:path', 'basename')
    remote = rpc.connect(template.fork(), 'node:path')
    callPool = pool.pool(template, 'node:path', 'basename')
    pooled = pool.connectPool(template, 'node:path')
    const module = 'data:text/javascript,export default () => () => {}'
    server = await prefork(module, { workers: 1, signals: false })
  })
  after(async () => {
    watch.close()
    for (const socket of [listener, ...sockets]) socket.close()
    passer.destroy()
    await server.stop()
    await Promise.all([call.close(), rpc.rpcOf(remote).close(), callPool.close(), pool.poolOf(pooled).close()])
    await template.close()
    rmSync(folder, { recursive: true })
  })

  it('are covered by this test', () => {
    assert.deepEqual(found.map(keyOf).sort(), Object.keys(calls).sort())
  })

  for (const one of found) {
    const key = keyOf(one)
    const make = (options: unknown): Promise<unknown> => {
      const run = calls[key]!
      return (async () => run(options as never))()
    }

    it(`${key} throws TypeError for an option that does not exist`, async () => {
      await assert.rejects(make({ noSuchOption: 1 }), { name: 'TypeError', message: /noSuchOption/ })
    })

    it(`${key} throws TypeError for options that are not a plain object`, async () => {
      for (const options of [null, 5, true, [], new AbortController().signal, () => {}])
        await assert.rejects(make(options), { name: 'TypeError' })
    })

    it(`${key} throws TypeError for an option with an invalid value, and does not print the value`, async () => {
      for (const name of one.options.filter(name => !takesAnything.has(name))) {
        const error = await make({ [name]: Symbol('secret') }).then(
          () => undefined,
          error => error as Error,
        )
        assert.equal(error?.name, 'TypeError', name)
        assert.match(error.message, new RegExp(`\\b${name}\\b`))
        assert.doesNotMatch(error.message, /secret/)
      }
    })
  }
})
