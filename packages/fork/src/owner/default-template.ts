import type { ForkProcess } from '../fork-process.js'
import { checkExecOptions } from './exec-options.js'
import type { ExecOptions } from './spawn.js'

/** Gives a template its orders. */
export type Prepare = (template: ForkProcess) => void

/** How templates are made, and what can be asked of them. */
export interface TemplateMaker {
  start(options: ExecOptions): ForkProcess
  isForkable(template: ForkProcess): boolean
  release(template: ForkProcess): void
}

/** The template that processes are forked from where nobody names another: started on first use, and again where it cannot be forked any more. */
export class DefaultTemplate {
  readonly #maker: TemplateMaker
  readonly #preparations: Prepare[] = []
  #options: Readonly<ExecOptions> = Object.freeze({})
  #present: ForkProcess | undefined

  constructor(maker: TemplateMaker) {
    this.#maker = maker
  }

  get(): ForkProcess {
    const present = this.#forkable
    if (present) return present
    const made = this.#maker.start(this.#options)
    this.#present = made
    for (const prepare of this.#preparations) this.#prepare(made, prepare)
    return made
  }

  /** For the one that is there, and all that are made later. @throws TypeError for what is no function; what it throws */
  addPreparation(prepare: Prepare): void {
    if (typeof prepare !== 'function') throw new TypeError('onTemplate() takes a function')
    this.#preparations.push(prepare)
    const present = this.#forkable
    if (present) this.#prepare(present, prepare)
  }

  get options(): Readonly<ExecOptions> {
    return this.#options
  }

  /** Lets go of one that was started otherwise. @throws TypeError for what makes no sense */
  set options(options: ExecOptions) {
    checkExecOptions(options)
    this.#options = Object.freeze({ ...options })
    if (this.#present) this.#maker.release(this.#present)
    this.#present = undefined
  }

  /** In a forked process: it is the parent's. */
  forget(): void {
    this.#present = undefined
  }

  get #forkable(): ForkProcess | undefined {
    return this.#present && this.#maker.isForkable(this.#present) ? this.#present : undefined
  }

  /** Lets go of a template that could not be prepared: nobody is to get it half-prepared. */
  #prepare(template: ForkProcess, prepare: Prepare): void {
    try {
      const result: unknown = prepare(template)
      if (result instanceof Promise) void result.catch(error => this.#drop(template, error))
    } catch (error) {
      this.#drop(template, error)
    }
  }

  #drop(template: ForkProcess, error: unknown): never {
    this.#maker.release(template)
    if (this.#present === template) this.#present = undefined
    throw error
  }
}
