import { setImmediate } from 'node:timers'
import { ForkProcess } from '@anyfork/fork'
import { ASYNC, SYNC, WARM_UP } from './entry-files.js'
import { loadCbor } from './values/codec.js'

/** Where the code is that serves calls in a process. */
export const backends: { sync: URL; async: URL } = { sync: SYNC, async: ASYNC }

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
  return template.require(backends.sync, backends.async).warm(WARM_UP, 'warmUp')
}

/** While the template starts, there is time for it here, too. What goes wrong, the first connection tells. */
function loadAhead(): void {
  try {
    loadCbor()
  } catch {}
}

ForkProcess.onTemplate(preload)
