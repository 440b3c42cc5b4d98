import { ForkError } from '../errors.js'

/** How many turns of the event loop the handles get that hooks have closed. */
const TURNS = 10
/**
 * Types that do not belong to a function: requests to close handles, and terminals, which only standard streams are.
 */
const HARMLESS: ReadonlySet<string> = new Set(['TTYWrap', 'CloseReq'])

/**
 * Checks that nothing of a running function would go on in a copy of its process or read its data. Connections are
 * looked up among the descriptors, because idle ones do not keep the event loop alive.
 *
 * @param findConnections - returns descriptions of the open connections that are not this package's own
 * @throws `ERR_ACTIVE_HANDLES`, naming the handles
 */
export async function assertNoActiveHandles(findConnections: () => Promise<readonly string[]>): Promise<void> {
  let active: string[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    await new Promise(setImmediate)
    active = activeResources()
    if (!active.length) active = [...(await findConnections())]
    if (!active.length) return
  }
  throw new ForkError(
    'ERR_ACTIVE_HANDLES',
    `the function would go on in the copy: close in a hook of afterFork: ${active.join(', ')}`,
  )
}

/** Returns the types of everything that keeps the event loop alive. Pipes as standard output and error do not count. */
export function activeResources(): string[] {
  const names = process.getActiveResourcesInfo().filter(name => !HARMLESS.has(name))
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): { fd?: number }[] }
  for (const { fd } of handles()) {
    if (fd !== 1 && fd !== 2) continue
    const index = names.findIndex(name => name === 'PipeWrap' || name === 'TCPSocketWrap')
    if (index >= 0) names.splice(index, 1)
  }
  return names
}
