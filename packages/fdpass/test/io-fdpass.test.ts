import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import * as fdpass from '@anyfork/fdpass'
import { describe, it } from 'mocha'

const { read, send, socketpair, write } = fdpass

describe('IO::FDPass', () => {
  it('00_load: exports send() and recv()', () => {
    assert.equal(typeof fdpass.send, 'function')
    assert.equal(typeof fdpass.recv, 'function')
  })

  it('01_basic: passes one end of a socket pair to a child process, and exchanges a byte each way over it', async () => {
    const [ours, theirs] = socketpair()
    const [kept, passed] = socketpair()
    const child = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/basic-child.js', import.meta.url))], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    })
    theirs.close()
    send(ours, passed)
    passed.close()
    write(kept, Buffer.from('p'))
    const exited = once(child, 'exit')
    assert.deepEqual(await exited, [0, null])
    const byte = Buffer.alloc(1)
    assert.equal(read(kept, byte), 1)
    assert.equal(byte.toString(), 'c')
    assert.equal(read(kept, byte), 0)
    for (const descriptor of [ours, kept]) descriptor.close()
  })
})
