import { once } from 'node:events'
import * as inspector from 'node:inspector'
import { createServer } from 'node:net'
import type { InspectOptions } from '../inspect-options.js'

/**
 * Opens the inspector of this process, where it is not open already.
 *
 * @returns where a debugger attaches: `ws://127.0.0.1:54321/...`
 * @throws why it cannot listen there, as `EADDRINUSE`
 */
export async function openInspector({ host, port }: Required<InspectOptions>): Promise<string> {
  if (!inspector.url()) inspector.open(port, host)
  const url = inspector.url()
  if (!url) throw await whyNotThere(host, port)
  return url
}

/** The inspector does not say: a server that listens there does. */
async function whyNotThere(host: string, port: number): Promise<Error> {
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
