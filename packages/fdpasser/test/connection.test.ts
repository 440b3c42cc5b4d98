import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { accept, server, type Descriptor } from '@anyfork/fdpasser'

describe('accept()', () => {
  let listener: Descriptor

  beforeEach(() => void (listener = server(`\0anyfork-accept-${process.pid}`)))
  afterEach(() => listener[Symbol.dispose]())

  it('rejects with EBADF when the listener is closed, at once or in a later turn', async () => {
    const accepting = accept(listener)
    listener.close()
    await assert.rejects(accepting, { code: 'EBADF' })
    listener = server(`\0anyfork-accept-${process.pid}`)
    const later = accept(listener)
    await new Promise(setImmediate)
    listener.close()
    await assert.rejects(later, { code: 'EBADF' })
    await assert.rejects(accept(listener), { code: 'EBADF' })
  })
})
