import assert from 'node:assert/strict'
import { sendMessage } from '@anyfork/fdpass'
import { run } from '@anyfork/fork-rpc'
import { findNewSockets } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { cborArray, frame, notes } from './support/raw-frames.js'

const module = new URL('./fixtures/hostile-worker.js', import.meta.url)
const call = (payload: Uint8Array, number = 0, flags = 0): Buffer => frame(1, { id: 7, number, flags, payload })

for (const async of [false, true]) {
  describe(`an owner whose code writes to the socket of a connection, with async: ${async}`, () => {
    const { fork, track } = useConnections()

    /** Writes to the socket of a connection. Resolves with the error that the next call gets. */
    async function errorAfter(bytes: Uint8Array, descriptors = 0): Promise<NodeJS.ErrnoException> {
      const findSockets = findNewSockets()
      const echo = track(run(fork(), module, 'echo', { async, onError: () => {} }))
      assert.equal(await echo('before'), 'before')
      const [, socket] = findSockets()
      sendMessage(socket!, bytes, Array<number>(descriptors).fill(0))
      const error = (await echo('after').catch((reason: unknown) => reason)) as NodeJS.ErrnoException
      assert.deepEqual(await echo.ended, { code: 1, signal: null })
      return error
    }

    const invalid: Record<string, Buffer> = {
      text: Buffer.from('a line of a log\n'),
      zeroes: Buffer.alloc(100),
      'one byte': Buffer.from('a'),
      'a frame of an unknown kind': frame(99),
      'a frame that only processes send': frame(17),
      'notes that are not JSON': Buffer.concat([frame(49, { payload: Buffer.from('{') }), call(cborArray())]),
      'notes that belong to no frame': Buffer.concat([notes(['fd', [0]]), call(cborArray())]),
      'a frame that lacks its descriptors': frame(50, { number: 3 }),
      'a payload with a frame that has none': frame(3, { payload: Buffer.from('x') }),
    }
    for (const [what, bytes] of Object.entries(invalid)) {
      it(`ends the process with ERR_RPC_PROTOCOL by ${what}`, async () => {
        const { code } = await errorAfter(bytes)
        assert.equal(code, 'ERR_RPC_PROTOCOL')
      })
    }
  })
}
