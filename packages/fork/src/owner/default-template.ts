import { types } from 'node:util'
import { aFunction, checkArgument } from '@anyfork/fdpass/internal'
import { checkExecOptions, type ExecOptions } from './exec-options.js'

/** Gives a template its orders. */
export type Prepare<P> = (template: P) => void

/** What the default template needs from the class of the processes. */
export interface TemplateMaker<P> {
  start(options: ExecOptions): P
  isForkable(template: P): boolean
  release(template: P): void
}

/**
 * The template from which processes are forked if no other is named. It is started on first use, and again after it can
 * no longer be forked.
 */
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

  /**
   * Prepares the present template, and all later ones.
   *
   * @throws TypeError if `prepare` is not a function
   * @throws what `prepare` throws for the present template
   */
  addPreparation(prepare: Prepare<P>): void {
    checkArgument('the argument of onTemplate()', prepare, aFunction)
    this.#preparations.push(prepare)
    const present = this.#forkable
    if (present) this.#prepare(present, prepare)
  }

  get options(): Readonly<ExecOptions> {
    return this.#options
  }

  /**
   * Ends the present template, which was started with other options.
   *
   * @throws TypeError if an option does not exist or is invalid
   */
  set options(options: ExecOptions) {
    checkExecOptions(options)
    this.#options = Object.freeze({ ...options })
    if (this.#present) this.#maker.release(this.#present)
    this.#present = undefined
  }

  /** Call this in a forked process: the template belongs to the parent. */
  forget(): void {
    this.#present = undefined
  }

  get #forkable(): P | undefined {
    return this.#present && this.#maker.isForkable(this.#present) ? this.#present : undefined
  }

  /** Prepares a template, and drops it if that fails, so that no process is forked from a half-prepared one. */
  #prepare(template: P, prepare: Prepare<P>): void {
    try {
      const result: unknown = prepare(template)
      if (types.isPromise(result)) void result.catch(error => this.#drop(template, error))
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
