import { functionReference, lookUpFolder } from '@anyfork/fork/internal'
import { ForkProcess, type ModuleSpecifier } from '@anyfork/fork-rpc'
import { SERVE_PREFORK } from '../entry-files.js'
import type { PreforkServeSettings } from '../prefork-protocol.js'
import { refuseRemote } from '../worker/assert-for-remote.js'
import { type TemplateSource, Templates, takeTemplate } from '../worker/templates.js'
import { Listeners } from './listeners.js'
import { type PreforkOptions, type PreforkSettings, preforkSettings } from './prefork-options.js'
import { type PreforkServer, preforkServerOf } from './prefork-server.js'
import { Supervisor } from './supervisor.js'

/**
 * Starts a server whose workers are forked from a template that has loaded your code, and accept connections from one
 * listener. Each worker calls the default export of your module with a `PreforkContext`. That returns a request listener
 * of `node:http`, or a server that does not listen yet, or a promise of one: see `MakeServer`.
 *
 * The server watches the workers, replaces those that die, reloads, and stops, without failing a request. The template,
 * and so each worker, ends with this program. It is started with `ForkProcess.templateOptions`.
 *
 * @param module - a file URL, an absolute path, or the name of a package. The template loads it
 * @param options - the number of workers, where they listen, and how they end
 * @returns resolves when all workers accept connections
 * @throws rejects with a TypeError if an argument or an option is invalid
 * @throws rejects with the kernel's error if the server cannot listen, such as `EADDRINUSE`
 * @throws rejects with the first error if a worker does not start: that of your module or function, or
 *   `ERR_POOL_START_TIMEOUT`
 */
export function prefork(module: ModuleSpecifier, options?: PreforkOptions): Promise<PreforkServer>
/**
 * Starts a server whose workers call an exported function.
 *
 * @param module - a file URL, an absolute path, or the name of a package. The template loads it
 * @param name - the exported function that each worker calls with a `PreforkContext`. It returns a request listener of
 *   `node:http`, or a server that does not listen yet, or a promise of one: see `MakeServer`
 * @param options - the number of workers, where they listen, and how they end
 * @returns resolves when all workers accept connections
 * @throws rejects with a TypeError if an argument or an option is invalid
 * @throws rejects with the kernel's error if the server cannot listen, such as `EADDRINUSE`
 * @throws rejects with the first error if a worker does not start: that of your module or function, or
 *   `ERR_POOL_START_TIMEOUT`
 */
export function prefork(module: ModuleSpecifier, name: string, options?: PreforkOptions): Promise<PreforkServer>
/**
 * Starts a server whose workers call the default export of your module, and are forked from a template of your own.
 *
 * @param template - a process, or a function that returns one. The server owns it as soon as it listens. Reloading calls
 *   the function again
 * @param module - a file URL, an absolute path, or the name of a package. The template loads it
 * @param options - the number of workers, where they listen, and how they end
 * @returns resolves when all workers accept connections
 * @throws rejects with a TypeError if an argument or an option is invalid
 * @throws rejects with the kernel's error if the server cannot listen, such as `EADDRINUSE`
 * @throws rejects with the first error if a worker does not start: that of your module or function, or
 *   `ERR_POOL_START_TIMEOUT`
 */
export function prefork(
  template: TemplateSource,
  module: ModuleSpecifier,
  options?: PreforkOptions,
): Promise<PreforkServer>
/**
 * Starts a server whose workers call an exported function, and are forked from a template of your own.
 *
 * @param template - a process, or a function that returns one. The server owns it as soon as it listens. Reloading calls
 *   the function again
 * @param module - a file URL, an absolute path, or the name of a package. The template loads it
 * @param name - the exported function that each worker calls with a `PreforkContext`. It returns a request listener of
 *   `node:http`, or a server that does not listen yet, or a promise of one: see `MakeServer`
 * @param options - the number of workers, where they listen, and how they end
 * @returns resolves when all workers accept connections
 * @throws rejects with a TypeError if an argument or an option is invalid
 * @throws rejects with the kernel's error if the server cannot listen, such as `EADDRINUSE`
 * @throws rejects with the first error if a worker does not start: that of your module or function, or
 *   `ERR_POOL_START_TIMEOUT`
 */
export function prefork(
  template: TemplateSource,
  module: ModuleSpecifier,
  name: string,
  options?: PreforkOptions,
): Promise<PreforkServer>
export async function prefork(...args: unknown[]): Promise<PreforkServer> {
  const { template, module, rest } = takeTemplate(args)
  const isNamed = typeof rest[0] === 'string' || rest.length > 1
  const [name = 'default', options = {}] = (isNamed ? rest : [undefined, ...rest]) as [string?, PreforkOptions?]
  const served = functionReference(module, name)
  const settings = preforkSettings(options)
  const shared = { ...served, module: served.module!, folder: lookUpFolder(served.module), ...shareable(settings) }
  const listeners = await Listeners.open(settings)
  let supervisor: Supervisor | undefined
  try {
    const templates = new Templates(withServeModule(template), module, false)
    await refuseRemote(templates)
    supervisor = new Supervisor(templates, settings, (process, id) => {
      process.sendArg({ ...shared, id } satisfies PreforkServeSettings).sendFd(listeners.of(id))
    })
    await supervisor.start()
    return preforkServerOf(supervisor, listeners, settings)
  } catch (error) {
    await supervisor?.stop(settings.grace)
    listeners.close()
    throw error
  }
}

function shareable({ listen: { backlog }, idleGrace, done }: PreforkSettings): {
  backlog: number
  idleGrace: number
  done: string | undefined
} {
  return { backlog, idleGrace, done }
}

/** Lets the template load what workers run, besides the user's module. */
function withServeModule(source: TemplateSource = () => ForkProcess.exec(ForkProcess.templateOptions)): TemplateSource {
  // `Templates` rejects anything but a process.
  const load = (process: ForkProcess): ForkProcess =>
    process instanceof ForkProcess ? process.require(SERVE_PREFORK) : process
  return typeof source === 'function' ? () => load(source()) : load(source)
}
