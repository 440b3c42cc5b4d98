import { setImmediate } from 'node:timers'
import { checkArgument, type Expectation } from '@anyfork/fdpass/internal'
import { ForkProcess } from '@anyfork/fork'
import { isRemote, onRemote } from '@anyfork/fork/internal'
import { ASYNC, SYNC, WARM_UP } from './entry-files.js'
import { provideServe, REMOTE_MODULE } from './provide-serve.js'
import { loadCbor } from './values/codec.js'

/** The modules that serve calls in a process. */
export const backends: { sync: URL; async: URL } = { sync: SYNC, async: ASYNC }

/** A function that makes a process serve calls. */
export interface Backend {
  module: string | URL
  name: string
}

/**
 * Returns the function that makes a process serve calls. A remote process gets its code, if it was started before this module
 * was loaded.
 *
 * @param async - whether it serves many calls at a time
 */
export function backendFor(process: ForkProcess, async: boolean): Backend {
  if (!isRemote(process)) return { module: async ? backends.async : backends.sync, name: 'serve' }
  provideServe(process)
  return { module: REMOTE_MODULE, name: async ? 'serve' : 'serveOneByOne' }
}

/** What a process argument must be. */
export const aForkProcess: Expectation = {
  test: value => value instanceof ForkProcess,
  text: 'a ForkProcess, made by the same copy of @anyfork/fork',
}

/**
 * Prepares a template for serving calls: loads the code of both backends into it and runs a few calls there, so that
 * its forks answer their first call sooner. A remote process gets only the code. The default template is prepared like this without
 * being asked.
 *
 * @param template - a process that you fork, such as one from `ForkProcess.exec()`; it stays yours
 * @returns the template
 * @throws TypeError if `template` is not a `ForkProcess`
 */
export function preload(template: ForkProcess): ForkProcess {
  checkArgument('template', template, aForkProcess)
  setImmediate(loadAhead).unref()
  if (isRemote(template)) provideServe(template)
  else template.require(backends.sync, backends.async).warm(WARM_UP, 'warmUp')
  return template
}

/** Loads cbor-x while the template starts. If that fails, the first connection reports it. */
function loadAhead(): void {
  try {
    loadCbor()
  } catch {}
}

ForkProcess.onTemplate(preload)
onRemote(provideServe)
