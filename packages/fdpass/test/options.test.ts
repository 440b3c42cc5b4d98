import assert from 'node:assert/strict'
import {
  type Descriptor,
  DescriptorReceiver,
  listen,
  read,
  receiveMessage,
  StreamReceiver,
  sendMany,
  sendMessage,
  setNonblocking,
  socketpair,
  type Watch,
  watch,
} from '@anyfork/fdpass'
import { afterEach, beforeEach, describe, it } from 'mocha'

const bytes = Buffer.alloc(8)
const path = `\0anyfork-options-${process.pid}`
let left: Descriptor
let right: Descriptor
let watching: Watch

/** Every public call that takes options, with a misspelt option and with invalid values. */
const calls: Record<string, [call: (options: object) => unknown, unknown: string, invalid: Record<string, unknown[]>]> =
  {
    'socketpair()': [
      options => socketpair(options),
      'typ',
      { type: ['packets', 'toString', '', 1, null, true, ['stream']] },
    ],
    'listen()': [
      options => listen(path, options),
      'backlogg',
      { backlog: ['1', null, true, -1, NaN, 1.5, 2 ** 31, 2 ** 40, Infinity] },
    ],
    'sendMessage()': [
      options => sendMessage(right, bytes, [], options),
      'dontwait',
      { dontWait: [1, 'true', null, {}] },
    ],
    'sendMany()': [
      options => sendMany(right, [0], options),
      'batchh',
      { dontWait: [0, null], batch: ['1', null, true, 0, -1, 1.5, NaN, 254, Infinity] },
    ],
    'receiveMessage()': [
      options => receiveMessage(left, bytes, options),
      'Peek',
      { peek: [0, 'x', null], dontWait: [1, 'x', null] },
    ],
    'receive()': [
      options => new StreamReceiver(left).receive(bytes, 0, options),
      'spinn',
      {
        dontWait: [1, 'x', null],
        spin: ['x', null, {}, true, -1, NaN, Infinity, 1_000_001, 2 ** 32],
        yields: [1, 'x', null],
      },
    ],
    'new DescriptorReceiver()': [
      options => new DescriptorReceiver(left, options),
      'dontwait',
      { peek: [1, null], dontWait: ['x', null] },
    ],
    'watch()': [
      options => watch(left, { readable: true }, () => {}, options),
      'keepblocking',
      { keepBlocking: [1, 'x', null], onClose: [1, 'x', null, {}] },
    ],
    'watch() with events': [
      events => watch(left, events, () => {}),
      'readble',
      { readable: [1, 'x', null], writable: [1], hangup: [0] },
    ],
    'change()': [
      events => watching.change(events),
      'readble',
      { readable: [1, 'x', null], writable: [1], hangup: [0] },
    ],
  }

describe('options', () => {
  beforeEach(() => {
    ;[left, right] = socketpair()
    for (const socket of [left, right]) setNonblocking(socket, true) // an accepted call must not hang the test
    watching = watch(right, { hangup: true }, () => {})
  })
  afterEach(() => {
    assert.throws(() => read(left, bytes), { code: 'EAGAIN' }, 'a rejected call has sent something')
    for (const descriptor of [left, right]) descriptor.close()
  })

  for (const [name, [call, unknown, invalid]] of Object.entries(calls)) {
    it(`${name} throws a TypeError that names an unknown option and the valid ones`, () => {
      const message = new RegExp(`has no option ${unknown}: it takes .*${Object.keys(invalid)[0]}`)
      assert.throws(() => call({ [unknown]: true }), { name: 'TypeError', message })
      assert.throws(() => call({ toString: true }), { name: 'TypeError', message: /has no option toString/ })
      assert.throws(() => call({ [unknown]: undefined }), { name: 'TypeError', message })
    })

    for (const [option, values] of Object.entries(invalid)) {
      it(`${name} throws a TypeError that names the option ${option} if its value is invalid`, () => {
        const message = new RegExp(`^option ${option} of .* must be .*, not `)
        for (const value of values) assert.throws(() => call({ [option]: value }), { name: 'TypeError', message })
      })
    }

    it(`${name} throws a TypeError if the options are not an object`, () => {
      for (const value of [null, 5, 'x', true, Symbol('x'), () => {}, [], new Map(), new Date()] as object[])
        assert.throws(() => call(value), {
          name: 'TypeError',
          message: /^the (options|events) of .* must be an object, not /,
        })
    })

    it(`${name} throws a TypeError if it gets an AbortSignal instead of options`, () => {
      assert.throws(() => call(AbortSignal.abort()), { name: 'TypeError', message: /an object of type AbortSignal/ })
    })
  }

  it('an inherited option is checked like an own one', () => {
    const options = Object.create({ dontWait: 'yes' }) as object
    for (const name of ['sendMessage()', 'receiveMessage()', 'receive()'])
      assert.throws(() => calls[name]![0](options), { name: 'TypeError', message: /^option dontWait of / })
  })

  it('an inherited property that is not an option is ignored', () => {
    const options = Object.assign(Object.create({ note: 'x' }) as object, { dontWait: true })
    assert.equal(new StreamReceiver(left).receive(bytes, 0, options), -1)
  })

  it('options without a prototype and options with undefined values are valid', () => {
    const options = Object.assign(Object.create(null) as object, { dontWait: true })
    assert.equal(new StreamReceiver(left).receive(bytes, 0, options), -1)
    assert.equal(new StreamReceiver(left).receive(bytes, 0, { dontWait: true, spin: undefined } as object), -1)
    assert.throws(() => receiveMessage(left, bytes, { dontWait: true, peek: undefined } as object), { code: 'EAGAIN' })
  })

  it('an error message does not contain the content of a string or an object', () => {
    for (const secret of ['hunter2', { password: 'hunter2' }, ['hunter2']])
      assert.throws(
        () => calls['receive()']![0]({ dontWait: secret }),
        ({ message }: Error) => !message.includes('hunter2'),
      )
  })
})
