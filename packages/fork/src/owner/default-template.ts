import { aFunction, checkArgument } from '@anyfork/fdpass/internal'
import { checkExecOptions, type ExecOptions } from './exec-options.js'

/** Gives a template its orders. */
export type Prepare<P> = (template: P) => void

/** How templates are made, and what can be asked of them. */
export interface TemplateMaker<P> {
  start(options: ExecOptions): P
  isForkable(template: P): boolean
  release(template: P): void
}

/** The template that processes are forked from where nobody names another: started on first use, and again where it cannot be forked any more. */
export class DefaultTemplate<P> {
  readonly #maker: TemplateMaker<P>
  readonly #preparations: Prepare<P>[] = []
  #options: Readonly<ExecOptions> = Object.freeze({})
  #present: P | undefined

  constructor(maker: TemplateMaker<P>) {
    this.#maker = maker
  }

  get(): P {
    const present = this.#forkable
    if (present) return present
    const made = this.#maker.start(this.#options)
    this.#present = made
    for (const prepare of this.#preparations) this.#prepare(made, prepare)
    return made
  }

  /** For the one that is there, and all that are made later. @throws TypeError for what is no function; what it throws */
  addPreparation(prepare: Prepare<P>): void {
    checkArgument('the argument of onTemplate()', prepare, aFunction)
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

  get #forkable(): P | undefined {
    return this.#present && this.#maker.isForkable(this.#present) ? this.#present : undefined
  }

  /** Lets go of a template that could not be prepared: nobody is to get it half-prepared. */
  #prepare(template: P, prepare: Prepare<P>): void {
    try {
      const result: unknown = prepare(template)
      if (result instanceof Promise) void result.catch(error => this.#drop(template, error))
    } catch (error) {
      this.#drop(template, error)
    }
  }

  #drop(template: P, error: unknown): never {
    this.#maker.release(template)
    if (this.#present === template) this.#present = undefined
    throw error
  }
}
