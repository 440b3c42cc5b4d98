import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { socketpair } from '@anyfork/fdpass'
import { afterEach, beforeEach, describe, it } from 'mocha'

/** A handle of the addon. */
type Server = object
const load = createRequire(import.meta.url)('node-gyp-build') as (folder: string) => {
  serve(socket: number, state: Int32Array, onEvent: (...numbers: number[]) => void): Server
  serverAddChild(server: Server, pid: number): number
  serverReap(server: Server): number
  serverChildren(server: Server): number[]
  serverClose(server: Server): number
}
const addon = load(fileURLToPath(new URL('../..', import.meta.url)))

/** Pids that no process has. */
const nobodies = [0x7ffffffd, 0x7ffffffe]

describe('the native fork server', () => {
  let control: ReturnType<typeof socketpair>
  let events: number[][]
  let onEvent: () => void
  let server: Server

  beforeEach(() => {
    control = socketpair()
    events = []
    onEvent = () => {}
    // Frames are queued, so that the server leaves each report to the callback.
    server = addon.serve(control[0].fd, Int32Array.of(0, 1, 0, -1, -1, 0), (...numbers) => {
      events.push(numbers)
      onEvent()
    })
    for (const pid of nobodies) addon.serverAddChild(server, pid)
  })
  afterEach(async () => {
    addon.serverClose(server)
    await setImmediate()
    for (const one of control) one.close()
  })

  it('tells of each child that other code has reaped', () => {
    addon.serverReap(server)
    assert.deepEqual(events.map(([, pid]) => pid).sort(), nobodies)
    assert.deepEqual(addon.serverChildren(server), [])
  })

  it('tells of nothing more when the callback has closed it', () => {
    onEvent = () => addon.serverClose(server)
    addon.serverReap(server)
    assert.equal(events.length, 1)
  })

  it('rejects every call after it was closed, also when the event loop has freed it', async () => {
    addon.serverClose(server)
    for (let turn = 0; turn < 5; turn++) {
      assert.throws(() => addon.serverChildren(server), { code: 'ERR_NATIVE' })
      await setImmediate()
    }
    assert.equal(addon.serverClose(server), 0)
  })
})
