import { ForkError } from '../errors.js'

/** So many turns of the event loop may what hooks have closed take to be gone. */
const TURNS = 10
/** Nothing of a function's: what is about to be gone anyway, and terminals, which only standard streams are. */
const HARMLESS: ReadonlySet<string> = new Set(['TTYWrap', 'CloseReq'])

/**
 * Looks whether anything of a function would go on in a copy of its process, or get what
 * comes for the function: connections are looked for among the descriptors, since those
 * that are idle keep no event loop busy.
 *
 * @param findConnections - returns descriptions of the open connections that are not this package's own
 * @throws `ERR_ACTIVE_HANDLES`, naming it
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
    `the function that was running would go on in the copy: let go in a hook of afterFork of ${active.join(', ')}`,
  )
}

/** What keeps the event loop busy, by name; standard output and error, where they are pipes, do not count. */
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
