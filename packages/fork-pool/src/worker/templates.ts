import { ForkProcess, type ModuleSpecifier, preload } from '@anyfork/fork-rpc'
import { PoolError } from '../errors.js'

/** What workers are forked from: a process, or a function that makes one, called again whenever another is needed. */
export type TemplateSource = ForkProcess | (() => ForkProcess)

/** How long a template without children may take to end, in milliseconds. */
const GRACE_MS = 2000

/** @throws TypeError for what is none, nor makes one */
export function checkTemplate(source: TemplateSource): void {
  if (!(source instanceof ForkProcess) && typeof source !== 'function')
    throw new TypeError(
      `a pool begins with its template, a ForkProcess or a function that makes one, not ${String(source)}`,
    )
}

/** A process with the module loaded, which workers are forked from. */
export class Template {
  readonly process: ForkProcess

  /** @param process - that has it */
  constructor(process: ForkProcess) {
    this.process = process
  }

  /** Loads it into a process. @throws TypeError for what is none */
  static of(process: ForkProcess, module: ModuleSpecifier): Template {
    if (!(process instanceof ForkProcess))
      throw new TypeError(`the function that makes templates returns a ForkProcess, not ${String(process)}`)
    return new Template(preload(process).require(module))
  }

  get isAlive(): boolean {
    return this.process.isAlive
  }

  /** Lets it end once all workers forked from it have. */
  async retire(): Promise<void> {
    await this.process.close()
  }

  /** Ends it, now that all its workers have ended. */
  async end(): Promise<void> {
    const killer = setTimeout(() => this.process.kill('SIGKILL'), GRACE_MS)
    await this.process.close()
    clearTimeout(killer)
  }
}

/** The templates of a pool: one that is forked, and those whose workers have not ended yet. */
export class Templates {
  #current: Template
  readonly #make: () => Template
  readonly #others = new Set<Template>()

  /** @param needsArguments - whether workers need what was sent to the template, which then cannot be made anew without being told how */
  constructor(source: TemplateSource, module: ModuleSpecifier, needsArguments: boolean) {
    const make = typeof source === 'function' ? source : needsArguments ? refuse : () => ForkProcess.exec()
    this.#make = () => Template.of(make(), module)
    this.#current = typeof source === 'function' ? this.#make() : Template.of(source, module)
  }

  get current(): Template {
    return this.#current
  }

  /** A process forked from it; one that has died is made anew. */
  fork(): ForkProcess {
    if (!this.#current.isAlive) this.replace(this.make())
    return this.#current.process.fork()
  }

  /** Another one, from the files as they are now; to be used with `replace`, or to be dropped. */
  make(): Template {
    const template = this.#make()
    this.#others.add(template)
    return template
  }

  /** The same of a process that has loaded all already. */
  adopt(process: ForkProcess): Template {
    const template = new Template(process)
    this.#others.add(template)
    return template
  }

  /** Forks from another one from now on. */
  replace(template: Template): void {
    const old = this.#current
    this.#current = template
    this.#others.delete(template)
    this.#others.add(old)
    void old.retire().then(() => this.#others.delete(old))
  }

  /** Ends one that is not used. */
  async drop(template: Template): Promise<void> {
    await template.end()
    this.#others.delete(template)
  }

  /** Ends all of them; their workers have ended. */
  async end(): Promise<void> {
    await Promise.all([this.#current, ...this.#others].map(template => template.end()))
  }
}

function refuse(): never {
  throw new PoolError(
    'ERR_POOL_NO_TEMPLATE',
    'another template is needed, for init(): give pool() a function that makes templates',
  )
}
