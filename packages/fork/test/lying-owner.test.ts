import assert from 'node:assert/strict'
import { serialize } from 'node:v8'
import { sendMessage } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, findNewSockets, openResources, type Resources } from '@anyfork/test-support'
import { after, afterEach, before, describe, it } from 'mocha'
import { controlFrame as order } from './support/control-frames.js'

describe('an owner whose code writes to the control socket of a process', () => {
  let template: ForkProcess
  let atRest: Resources

  before(async () => {
    template = ForkProcess.exec()
    await template.ready()
    atRest = openResources()
  })
  afterEach(() => assertNothingLeft(atRest))
  after(() => template.close())

  /** Writes to the control socket of a fork. Resolves with the reason for which it ended. */
  async function reasonAfter(bytes: Uint8Array, descriptors = 0): Promise<NodeJS.ErrnoException> {
    const findSockets = findNewSockets()
    const victim = template.fork()
    await victim.ready()
    const [socket] = findSockets()
    sendMessage(socket!, bytes, Array<number>(descriptors).fill(0))
    assert.deepEqual(await victim.exited, { code: 1, signal: null })
    const reason = (await victim.ready().catch((error: unknown) => error)) as NodeJS.ErrnoException
    await template.ready()
    return reason
  }

  const invalid: Record<string, [bytes: Buffer, descriptors?: number]> = {
    text: [Buffer.from('a line of a log\n')],
    'one byte of text and no more': [order(7).subarray(0, 2).fill('a', 0, 1).fill(0xff, 1)],
    zeroes: [Buffer.alloc(100)],
    'an order of an unknown type': [order(99)],
    'a report': [order(64)],
    'the order to fork without a descriptor': [order(5)],
    'the order to fork with two descriptors': [order(5, undefined, { descriptors: 2 }), 2],
    'the order to run without a descriptor': [order(6, serialize({ name: 'f' }))],
    'an order that declares a descriptor and has none': [order(4, undefined, { descriptors: 1 })],
    'a descriptor that the order does not declare': [order(7), 1],
    'a lifeline without a descriptor': [order(15)],
  }
  for (const [what, [bytes, descriptors]] of Object.entries(invalid)) {
    it(`ends that process with ERR_PROTOCOL by ${what}`, async () => {
      const { code } = await reasonAfter(bytes, descriptors)
      assert.equal(code, 'ERR_PROTOCOL')
    })
  }

  const undecodable: Record<string, Buffer> = {
    'code that is not in the format of V8': order(2, Buffer.from('code')),
    'modules that are null': order(1, serialize(null)),
    'arguments that are a number': order(3, serialize(1)),
    'restrictions that are null': order(10, serialize(null)),
  }
  for (const [what, bytes] of Object.entries(undecodable)) {
    it(`ends that process with an error by ${what}`, async () => {
      const reason = await reasonAfter(bytes)
      assert.ok(reason.message, reason.message)
      assert.notEqual(reason.code, 'ERR_PROCESS_EXITED')
    })
  }
})
