import type { ForkProcess } from '@anyfork/fork'

/** Where the loop is that serves calls; loaded into a template, it need not be loaded by every process. */
export const backend: URL = new URL('./child/sync.js', import.meta.url)

/**
 * Loads what serves calls into a template, so that its forks need not.
 *
 * @returns the template
 */
export function preload(template: ForkProcess): ForkProcess {
  return template.require(backend)
}
