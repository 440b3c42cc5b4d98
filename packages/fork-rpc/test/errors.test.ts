import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'

describe('errors', () => {
  const { start } = useConnections()
  const errorOf = async <T extends Error>(name: string): Promise<T> =>
    start(name)().then(
      () => assert.fail('the call has not rejected'),
      (error: T) => error,
    )

  it('a call rejects with the thrown error: its class, name, message, stack, code, properties, and cause', async () => {
    const error = await errorOf<Error & { code: string; detail: unknown }>('fail')
    assert.ok(error instanceof TypeError)
    assert.equal(error.name, 'OwnError')
    assert.equal(error.message, 'failed on purpose')
    assert.match(error.stack!, /at fail .*worker\.js/)
    assert.equal(error.code, 'ERR_OWN')
    assert.deepEqual(error.detail, { deep: [1, 2] })
    assert.ok(error.cause instanceof RangeError)
  })

  it('a call rejects with the reason for which the promise of the function has rejected', async () => {
    await assert.rejects(start('failLater')(), { name: 'SyntaxError', message: 'failed later' })
  })

  it('a call rejects with an Error, and the thrown value as its cause, if the function throws a string', async () => {
    await assert.rejects(start('throwString')(), { message: 'thrown: not an error', cause: 'not an error' })
  })

  it("an error's stack continues with the stack of its caller", async () => {
    const fail = start('fail')
    async function theCaller(): Promise<unknown> {
      return await fail()
    }
    const { stack } = (await theCaller().catch((error: unknown) => error)) as Error
    assert.match(stack!, /at fail .*worker\.js[^]*called from another process[^]*at async theCaller .*errors\.test\.js/)
  })

  it('an AggregateError keeps each of its errors', async () => {
    const error = await errorOf<AggregateError & { code: string }>('throwAggregateError')
    assert.ok(error instanceof AggregateError)
    assert.equal(error.code, 'ERR_SEVERAL')
    const [one, two, three] = error.errors as [Error, Error & { code: string }, string]
    assert.ok(one instanceof TypeError)
    assert.equal(two.code, 'ERR_TWO')
    assert.equal(three, 'three')
  })

  it('a thrown AbortError arrives as a DOMException', async () => {
    const error = await errorOf<DOMException>('throwAbortError')
    assert.ok(error instanceof DOMException)
    assert.equal(error.name, 'AbortError')
    assert.equal(error.code, DOMException.ABORT_ERR)
    assert.equal(error.message, 'given up')
  })

  it('a thrown DOMException keeps its own properties', async () => {
    const error = await errorOf<DOMException>('throwAbortErrorWithCode')
    assert.ok(error instanceof DOMException)
    assert.deepEqual({ ...error }, { code: 'ERR_OWN' })
  })

  const unreadable: Record<Fixture.Unreadable, object> = {
    'a revoked proxy': { name: 'Error', message: 'thrown: object' },
    'an error whose keys cannot be listed': { name: 'RangeError', message: 'visible' },
    'an error of which nothing can be read': { name: 'Error', message: 'thrown: object' },
    'an error whose constructor cannot be read': { name: 'Error', message: 'visible' },
    'an error with a property that cannot be read': { name: 'Error', message: 'visible' },
    'an error whose cause is a revoked proxy': { name: 'Error', message: 'visible', cause: 'object' },
    'an AggregateError whose errors are a revoked proxy': { name: 'AggregateError', message: 'visible' },
    'an AggregateError whose errors are a number': { name: 'AggregateError', message: 'visible' },
  }
  for (const [what, expected] of Object.entries(unreadable)) {
    it(`a function that throws ${what} rejects its call, and the process serves the next one`, async () => {
      const throwUnreadable = start('throwUnreadable')
      await assert.rejects(throwUnreadable(what), expected)
      await assert.rejects(throwUnreadable(what), expected)
    })
  }
})
