import { describeValue } from '@anyfork/fdpass/internal'
import { isRemote, killIfPermitted } from '@anyfork/fork/internal'
import { ForkProcess, type ModuleSpecifier, preload } from '@anyfork/fork-rpc'
import { PoolError } from '../errors.js'
import { provideChild } from '../provide-child.js'

/** A process from which workers are forked, or a function that creates one whenever the pool needs another. */
export type TemplateSource = ForkProcess | (() => ForkProcess)

/** How long a template without children may take to end, in milliseconds, before it is killed. */
const GRACE_MS = 2000

/**
 * Splits the arguments of `pool` or `connectPool`, which begin with a module or with a template and a module.
 *
 * @returns `template`: `undefined` if the arguments begin with a module
 * @throws TypeError if the first argument is neither a template nor a module
 */
export function takeTemplate(args: unknown[]): {
  template: TemplateSource | undefined
  module: ModuleSpecifier
  rest: unknown[]
} {
  const [first, second, ...others] = args
  if (typeof first === 'string' || first instanceof URL)
    return { template: undefined, module: first, rest: args.slice(1) }
  if (!(first instanceof ForkProcess) && typeof first !== 'function')
    throw new TypeError(
      `template must be a ForkProcess or a function that returns one, and may be left out before a module, not ${describeValue(first)}`,
    )
  return { template: first as TemplateSource, module: second as ModuleSpecifier, rest: others }
}

/** A process that has loaded the module and from which workers are forked. */
export class Template {
  readonly process: ForkProcess

  constructor(process: ForkProcess) {
    this.process = process
  }

  /**
   * Loads the module into a process.
   *
   * @throws TypeError if `process` is not a ForkProcess
   */
  static of(process: ForkProcess, module: ModuleSpecifier): Template {
    if (!(process instanceof ForkProcess))
      throw new TypeError(`the template function must return a ForkProcess, not ${describeValue(process)}`)
    if (isRemote(process)) provideChild(process) // it may have been started before this package was loaded
    return new Template(preload(process).require(module))
  }

  get isAlive(): boolean {
    return this.process.isAlive
  }

  /** Resolves when the template has ended, which it does after all workers forked from it. */
  async retire(): Promise<void> {
    await this.process.close()
  }

  /** Ends a template whose workers have ended. Kills it if that takes too long. */
  async end(): Promise<void> {
    const killer = setTimeout(() => killIfPermitted(this.process), GRACE_MS)
    await this.process.close()
    clearTimeout(killer)
  }
}

/** The templates of a pool: the current one, and those that are not used yet or whose workers have not ended yet. */
export class Templates {
  #current: Template
  readonly #make: () => Template
  readonly #others = new Set<Template>()

  /** @param needsArguments - whether workers need the arguments sent to the template, which a fresh one would lack */
  constructor(source: TemplateSource, module: ModuleSpecifier, needsArguments: boolean) {
    const make =
      typeof source === 'function'
        ? source
        : needsArguments
          ? throwNoTemplate
          : (): ForkProcess => ForkProcess.exec(ForkProcess.templateOptions)
    this.#make =
      typeof source !== 'function' && isRemote(source)
        ? () => new Template(this.#current.process.fork()) // it repeats all orders, even if the connection has ended
        : () => Template.of(make(), module)
    this.#current = typeof source === 'function' ? this.#make() : Template.of(source, module)
  }

  get current(): Template {
    return this.#current
  }

  /** Forks a process from the current template, which is replaced first if it has died. */
  fork(): ForkProcess {
    if (!this.#current.isAlive) this.replace(this.make())
    return this.#current.process.fork()
  }

  /** Makes a template from the files as they are now. Pass it to `replace` or `drop`. */
  make(): Template {
    return this.#add(this.#make())
  }

  /** Makes a template of a process that has loaded the module. Pass it to `replace` or `drop`. */
  adopt(process: ForkProcess): Template {
    return this.#add(new Template(process))
  }

  /** Makes a template the current one, and retires the one before. */
  replace(template: Template): void {
    const old = this.#current
    this.#current = template
    this.#others.delete(template)
    this.#others.add(old)
    void old.retire().then(() => this.#others.delete(old))
  }

  /** Ends a template that is not used. */
  async drop(template: Template): Promise<void> {
    await template.end()
    this.#others.delete(template)
  }

  /** Ends all templates, after their workers. */
  async end(): Promise<void> {
    await Promise.all([this.#current, ...this.#others].map(template => template.end()))
  }

  #add(template: Template): Template {
    this.#others.add(template)
    return template
  }
}

function throwNoTemplate(): never {
  throw new PoolError(
    'ERR_POOL_NO_TEMPLATE',
    'the template is gone, and a new one would lack the arguments for init: give pool() a function that makes templates',
  )
}
