import * as inspector from 'node:inspector'
import type { InspectOptions } from '../inspect-options.js'

/**
 * Opens the inspector of this process, where it is not open already.
 *
 * @returns where a debugger attaches: `ws://127.0.0.1:54321/...`
 * @throws `EADDRINUSE` when it cannot listen there
 */
export function openInspector({ host, port }: Required<InspectOptions>): string {
  if (!inspector.url()) inspector.open(port, host)
  const url = inspector.url()
  if (!url) throw Object.assign(new Error(`the inspector cannot listen at ${host}:${port}`), { code: 'EADDRINUSE' })
  return url
}
