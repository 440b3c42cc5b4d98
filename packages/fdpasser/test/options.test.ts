import assert from 'node:assert/strict'
import { type Descriptor, dup } from '@anyfork/fdpass'
import { accept, connect, FdPasser, server, socketpair } from '@anyfork/fdpasser'
import { openDescriptors } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'

const path = `\0anyfork-options-${process.pid}`
let passer: FdPasser
let handle: Descriptor
let listener: Descriptor
let before: number

/** Every public call that takes options, with a misspelt option and with invalid values. */
const calls: Record<string, [call: (options: object) => unknown, unknown: string, invalid: Record<string, unknown[]>]> =
  {
    'new FdPasser()': [
      options => new FdPasser(options),
      'fdd',
      {
        onError: ['x', null, {}],
        batch: ['1', null, true, 0, -1, 1.5, NaN, 254, Infinity],
        reservation: ['prayer', 'toString', '', null, 1],
        dontSetNonblocking: [1, 'x', null],
        highWaterMark: ['1', null, true, 0, -1, 1.5, NaN, Infinity],
      },
    ],
    'pushSend()': [options => passer.pushSend(handle, options), 'kept', { keep: [1, 'x', null] }],
    'accept()': [options => accept(listener, options), 'sginal', { signal: [5, 'x', null, {}, new EventTarget()] }],
    'connect()': [options => connect(path, options), 'sginal', { signal: [5, 'x', null, {}, new EventTarget()] }],
  }

/** Asserts that a call throws a TypeError, or rejects with one if it returns a promise. */
async function assertTypeError(call: () => unknown, message: RegExp): Promise<void> {
  await assert.rejects(async () => call(), { name: 'TypeError', message })
}

describe('options', () => {
  beforeEach(() => {
    before = openDescriptors()
    passer = new FdPasser({ fd: socketpair() }).iAmParent()
    handle = dup(0)
    listener = server(path)
  })
  afterEach(() => {
    passer.destroy()
    for (const descriptor of [handle, listener]) descriptor.close() // a rejected call has taken over neither
    assert.equal(openDescriptors(), before)
  })

  for (const [name, [call, unknown, invalid]] of Object.entries(calls)) {
    it(`${name} throws a TypeError that names an unknown option and the valid ones`, async () => {
      const message = new RegExp(`has no option ${unknown}: it takes .*${Object.keys(invalid)[0]}`)
      await assertTypeError(() => call({ [unknown]: true }), message)
      await assertTypeError(() => call({ [unknown]: undefined }), message)
      await assertTypeError(() => call({ toString: true }), /has no option toString/)
    })

    for (const [option, values] of Object.entries(invalid)) {
      it(`${name} throws a TypeError that names the option ${option} if its value is invalid`, async () => {
        for (const value of values)
          await assertTypeError(() => call({ [option]: value }), new RegExp(`^option ${option} of .* must be .*, not `))
      })
    }

    it(`${name} throws a TypeError if the options are not an object`, async () => {
      for (const value of [null, 5, 'x', true, Symbol('x'), () => {}, [], new Map(), new Date()] as object[])
        await assertTypeError(() => call(value), /^the options of .* must be an object, not /)
    })

    it(`${name} throws a TypeError if it gets an AbortSignal instead of options`, async () => {
      await assertTypeError(() => call(AbortSignal.abort()), /an object of type AbortSignal/)
    })
  }
})
