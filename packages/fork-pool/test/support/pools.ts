import { type ForkPool, ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import { afterEach, before } from 'mocha'
import { assertNothingLeft, type Holdings, holdings } from './leftovers.js'

export const worker: URL = new URL('../fixtures/worker.js', import.meta.url)

/** Makes pools of the functions of the worker fixture; sees after each test that they leave nothing behind. */
export function usePools(): (name: string, options?: PoolOptions, template?: () => ForkProcess) => ForkPool {
  const open: ForkPool[] = []
  let atRest: Holdings
  before(async () => {
    const warmUp = pool(ForkProcess.create(), worker, 'pid')
    await warmUp()
    await warmUp.close()
    atRest = holdings()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(one => one.destroy()))
    await assertNothingLeft(atRest)
  })
  return (name, options = { max: 2 }, template = () => ForkProcess.create()) => {
    const made = pool(template, worker, name, options)
    open.push(made)
    return made
  }
}

/** What a promise was rejected with; `undefined` when it was not. */
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

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(resolve => setTimeout(resolve, 2))
}
