import assert from 'node:assert/strict'
import { type ForkPool, ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import { assertNothingLeft, openResources, type Resources } from '@anyfork/test-support'
import { afterEach, before } from 'mocha'

export const worker: URL = new URL('../fixtures/worker.js', import.meta.url)

/** Makes pools of the worker's functions. Checks after each test that they leave no descriptor and no process. */
export function usePools(): (name: string, options?: PoolOptions, template?: () => ForkProcess) => ForkPool {
  const open: ForkPool[] = []
  let atRest: Resources
  before(async () => {
    const warmUp = pool(ForkProcess.create(), worker, 'pid')
    await warmUp()
    await warmUp.close()
    atRest = openResources()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(one => one.destroy()))
    await assertNothingLeft(atRest)
    assert.deepEqual(countOf(openResources()), countOf(atRest))
  })
  return (name, options = { max: 2 }, template = () => ForkProcess.create()) => {
    const made = pool(template, worker, name, options)
    open.push(made)
    return made
  }
}

/** Returns the error with which a promise rejects, or `undefined` if it resolves. */
export async function reasonOf(
  promise: Promise<unknown>,
): Promise<(Error & { code?: string; signal?: string; exitCode?: number }) | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error as Error
  }
}

function countOf({ descriptors, processes }: Resources): object {
  return { descriptors: descriptors.length, processes }
}
