import { ForkError } from '../errors.js'

/** What tells nothing of a function that still does something: the streams of the process itself. */
const HARMLESS: ReadonlySet<string> = new Set(['TTYWrap', 'CloseReq', 'Immediate'])

/**
 * Looks whether anything of a function would go on in a copy of its process.
 *
 * @throws `ERR_ACTIVE_HANDLES`, naming it
 */
export async function refuseActiveHandles(): Promise<void> {
  await new Promise(setImmediate) // what hooks have closed is gone then
  const active = process.getActiveResourcesInfo().filter(name => !HARMLESS.has(name))
  if (!active.length) return
  throw new ForkError('ERR_ACTIVE_HANDLES', `the function that was running would go on in the copy: let go in a hook of afterFork of ${active.join(', ')}`)
}
