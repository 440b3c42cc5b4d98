import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { type ForkPool, ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import type { CallPromise } from '@anyfork/fork-rpc'
import { assertNothingLeft, openResources, PATIENCE_MS, type Resources, resourcesAfter } from '@anyfork/test-support'
import { afterEach, before } from 'mocha'

export const worker: URL = new URL('../fixtures/worker.js', import.meta.url)

/**
 * Lets a suite make pools of the worker's functions. Destroys the pools after each test, and checks that they leave no
 * descriptor and no process behind.
 *
 * @returns makes a pool
 */
export function usePools(): (name: string, options?: PoolOptions, template?: () => ForkProcess) => ForkPool {
  const open: ForkPool[] = []
  let atRest: Resources
  before(async () => {
    atRest = await resourcesAfter(async () => {
      const warmUp = pool(ForkProcess.create(), worker, 'pid')
      await warmUp()
      await warmUp.close()
    })
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

/** Reads a stream to its end. Rejects with its error. */
export async function drain(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}

/** Iterates over the values of a call that yields. */
export function valuesOf(call: Promise<unknown>): AsyncIterator<unknown> {
  return (call as CallPromise<AsyncIterable<unknown>>)[Symbol.asyncIterator]()
}

/** Blocks this process, so that it notices nothing, until a worker has written a file. */
export function blockUntil(file: string): void {
  for (const end = performance.now() + PATIENCE_MS; !existsSync(file); block(1))
    assert.ok(performance.now() < end, `no worker has written ${file}`)
}

/** Blocks this process for that many milliseconds. */
export function block(ms: number): void {
  Atomics.wait(cell, 0, 0, ms)
}

const cell = new Int32Array(new SharedArrayBuffer(4))

function countOf({ descriptors, processes }: Resources): object {
  return { descriptors: descriptors.length, processes }
}
