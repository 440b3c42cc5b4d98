import { once } from 'node:events'
import * as inspector from 'node:inspector'
import { createServer } from 'node:net'
import type { InspectOptions } from '../inspect-options.js'

/**
 * Opens the inspector of this process, unless it is open.
 *
 * @returns the address for a debugger: `ws://127.0.0.1:54321/...`
 * @throws the kernel's error if it cannot listen there, such as `EADDRINUSE`
 */
export async function openInspector({ host, port }: Required<InspectOptions>): Promise<string> {
  if (!inspector.url()) inspector.open(port, host)
  const url = inspector.url()
  if (!url) throw await listenError(host, port)
  return url
}

/** Finds out why the inspector cannot listen, which it does not report itself: a server that listens there does. */
async function listenError(host: string, port: number): Promise<Error> {
  const server = createServer()
  try {
    await once(server.listen(port, host), 'listening')
    return Object.assign(new Error(`the inspector cannot listen at ${host}:${port}`), { code: 'EADDRINUSE' })
  } catch (error) {
    return error as Error
  } finally {
    server.close()
  }
}
