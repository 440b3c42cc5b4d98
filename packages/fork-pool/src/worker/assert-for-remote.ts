import { isRemote } from '@anyfork/fork/internal'
import { ForkError, type ForkProcess } from '@anyfork/fork-rpc'
import type { CallOptions } from '../call-options.js'
import type { PoolSettings } from '../pool-options.js'
import type { Templates } from './templates.js'

/**
 * Checks that the options of a pool can be applied to its workers. Limits of remote ones cannot: this system knows only the
 * commands that connect to them. And each remote worker has a standard error of its own, which no code could read.
 *
 * @throws TypeError if one cannot
 */
export function assertForRemote(
  process: ForkProcess,
  { memory, cpuMs, recycle: { pss, growth }, restrict, refork }: PoolSettings,
): void {
  if (!isRemote(process)) return
  if (process.stderr !== null)
    throw new TypeError("option stderr of remote() must not be 'pipe' for a pool, which reads no pipes of its workers")
  refuse({
    memory: memory !== Infinity,
    cpuMs: cpuMs !== undefined,
    'recycle.pss': pss !== Infinity,
    'recycle.growth': growth !== Infinity,
    restrict: restrict !== undefined,
    refork: refork.length > 0,
  })
}

/**
 * Does the same for the options of a call.
 *
 * @throws TypeError if one cannot be applied
 */
export function assertCallForRemote(process: ForkProcess, { cpuMs, restrict }: CallOptions): void {
  if (isRemote(process)) refuse({ cpuMs: cpuMs !== undefined, restrict: restrict !== undefined })
}

/**
 * Ends templates of remote processes, to which no listener can be sent.
 *
 * @throws rejects with `ERR_REMOTE` if they are
 */
export async function refuseRemote(templates: Templates): Promise<void> {
  if (!isRemote(templates.current.process)) return
  await templates.end()
  throw new ForkError('ERR_REMOTE', 'a listener cannot be sent: the process is remote')
}

function refuse(options: Record<string, boolean>): void {
  const used = Object.keys(options).find(name => options[name])
  if (used !== undefined) throw new TypeError(`option ${used} is not possible for remote processes`)
}
