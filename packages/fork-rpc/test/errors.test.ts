import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'

describe('errors', () => {
  const { start } = useConnections()

  it('rejects with what the function threw: class, name, message, stack, code, properties, cause', async () => {
    const error = (await start('fail')().catch((reason: unknown) => reason)) as Error & {
      code: string
      detail: unknown
    }
    assert.ok(error instanceof TypeError)
    assert.equal(error.name, 'OwnError')
    assert.equal(error.message, 'failed on purpose')
    assert.match(error.stack!, /at fail .*worker\.js/)
    assert.equal(error.code, 'ERR_OWN')
    assert.deepEqual(error.detail, { deep: [1, 2] })
    assert.ok(error.cause instanceof RangeError)
  })

  it('rejects with what a promise was rejected with', async () => {
    await assert.rejects(start('failLater')(), { name: 'SyntaxError', message: 'failed later' })
  })

  it('rejects with an error also when none was thrown', async () => {
    await assert.rejects(start('failPlainly')(), { message: 'thrown: no error at all', cause: 'no error at all' })
  })

  it('rejects with an error whose properties cannot be read', async () => {
    await assert.rejects(start('failOddly')(), { name: 'AggregateError', message: 'odd ones' })
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
    const error = (await start('failDeeply')().catch((reason: unknown) => reason)) as AggregateError & { code: string }
    assert.ok(error instanceof AggregateError)
    assert.equal(error.code, 'ERR_SEVERAL')
    const [one, two, three] = error.errors as [Error, Error & { code: string }, string]
    assert.ok(one instanceof TypeError)
    assert.equal(two.code, 'ERR_TWO')
    assert.equal(three, 'three')
  })

  it('a thrown AbortError arrives as a DOMException', async () => {
    const error = (await start('failToo')().catch((reason: unknown) => reason)) as DOMException
    assert.ok(error instanceof DOMException)
    assert.equal(error.name, 'AbortError')
    assert.equal(error.code, DOMException.ABORT_ERR)
    assert.equal(error.message, 'given up')
  })

  it('a thrown DOMException keeps its own properties', async () => {
    const error = (await start('failWithOwnCode')().catch((reason: unknown) => reason)) as DOMException
    assert.ok(error instanceof DOMException)
    assert.deepEqual({ ...error }, { code: 'ERR_OWN' })
  })

  const unseen: Record<Fixture.Oddity, object> = {
    'a revoked proxy': { name: 'Error', message: 'thrown: object' },
    'an error without keys': { name: 'RangeError', message: 'hidden' },
    'an error of nothing': { name: 'Error', message: 'thrown: object' },
    'an error without a class': { name: 'Error', message: 'visible' },
    'an error with a cause that is a revoked proxy': { name: 'Error', message: 'visible', cause: 'object' },
    'an error of errors that are a revoked proxy': { name: 'AggregateError', message: 'visible' },
  }
  for (const [what, expected] of Object.entries(unseen)) {
    it(`that cannot be looked at rejects its call only: ${what}`, async () => {
      const failUnseen = start('failUnseen')
      await assert.rejects(failUnseen(what), expected)
      await assert.rejects(failUnseen(what), expected)
    })
  }
})
