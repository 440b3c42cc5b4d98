import { setImmediate } from 'node:timers'
import { ForkProcess } from '@anyfork/fork'
import { loadCbor } from './codec.js'

/** Where the code is that serves calls in a process. */
export const backends: { sync: URL; async: URL } = {
  sync: new URL('./child/sync.js', import.meta.url),
  async: new URL('./child/async.js', import.meta.url),
}

const REHEARSAL = new URL('./child/rehearsal.js', import.meta.url)

/**
 * Loads what serves calls into a template, and runs it once, so that its forks need not.
 * The default template has it without being told.
 *
 * @returns the template
 * @throws TypeError for what is none
 */
export function preload(template: ForkProcess): ForkProcess {
  if (!(template instanceof ForkProcess)) throw new TypeError('expected a ForkProcess')
  setImmediate(loadAhead).unref()
  return template.require(backends.sync, backends.async).warm(REHEARSAL, 'rehearse')
}

/** While the template starts, there is time for it here, too. What goes wrong, the first connection tells. */
function loadAhead(): void {
  try {
    loadCbor()
  } catch {}
}

ForkProcess.onTemplate(preload)
