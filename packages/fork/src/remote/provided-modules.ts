import NodeModule, { createRequire } from 'node:module'
import { compileFunction } from 'node:vm'
import type { ProvidedModule } from '../protocol/remote-frames.js'

type Exports = Record<string, unknown>
type Loader = (request: string, ...rest: unknown[]) => unknown
type Resolve = (specifier: string, context: unknown, next: (...args: unknown[]) => unknown) => unknown

/** Where the modules of data: URLs find what they export. */
const REGISTRY = Symbol.for('anyfork.provided')

/** What `registerHooks` and `register` of node:module have, of which a version of Node may lack the first. */
const { register, registerHooks } = NodeModule as unknown as {
  register(url: string): void
  registerHooks?(hooks: { resolve: Resolve }): void
}

/** The modules that are not installed here, but were sent. */
export class ProvidedModules {
  readonly #modules: Map<string, Exports>
  /** The URLs of the modules that other modules may import. */
  readonly #urls = new Map<string, string>()

  /** @param own - what modules that are sent may require, by name */
  constructor(own: Record<string, Exports>) {
    this.#modules = new Map(Object.entries(own))
    Object.defineProperty(globalThis, REGISTRY, { value: this.#modules })
  }

  get(specifier: string): Exports | undefined {
    return this.#modules.get(specifier)
  }

  /** Runs a module that was sent. */
  provide({ specifier, code, offers = {} }: ProvidedModule): void {
    const module = { exports: {} as Exports }
    const require = createRequire(`${process.cwd()}/`)
    const load = (name: string): unknown => this.#modules.get(name) ?? require(name)
    const run = compileFunction(code, ['module', 'exports', 'require'], { filename: `[anyfork]/${specifier}` })
    run(module, module.exports, load)
    this.#modules.set(specifier, module.exports)
    for (const [name, exported] of Object.entries(offers)) this.offer(name, module.exports[exported] as Exports)
  }

  /** Lets the modules of users load a module by its name, as if it was installed. */
  offer(name: string, exports: Exports): void {
    if (!this.#urls.size) this.#hook()
    this.#modules.set(name, exports)
    const found = `globalThis[Symbol.for(${JSON.stringify(REGISTRY.description)})].get(${JSON.stringify(name)})`
    const source = `export const { ${Object.keys(exports).join(', ')} } = ${found}`
    this.#urls.set(name, `data:text/javascript,${encodeURIComponent(source)}`)
    if (!registerHooks) register(`data:text/javascript,${encodeURIComponent(resolver([...this.#urls]))}`)
  }

  #hook(): void {
    const loader = NodeModule as unknown as { _load: Loader }
    const load = loader._load
    loader._load = (request, ...rest) =>
      this.#urls.has(request) ? this.#modules.get(request) : load.call(NodeModule, request, ...rest)
    registerHooks?.({
      resolve: (specifier, context, next) => {
        const url = this.#urls.get(specifier)
        return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
      },
    })
  }
}

/** Returns the source of a module with a hook for a Node whose hooks run in a thread of their own. */
function resolver(urls: readonly [name: string, url: string][]): string {
  return `const urls = new Map(${JSON.stringify(urls)})
export const resolve = (specifier, context, next) =>
  urls.has(specifier)
    ? { url: urls.get(specifier), format: 'module', shortCircuit: true }
    : next(specifier, context)`
}
