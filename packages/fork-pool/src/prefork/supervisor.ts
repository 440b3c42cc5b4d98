import type { ForkProcess } from '@anyfork/fork-rpc'
import { PoolError } from '../errors.js'
import { BackOff } from '../worker/back-off.js'
import type { Template, Templates } from '../worker/templates.js'
import { Place } from './place.js'
import type { PreforkSettings } from './prefork-options.js'
import { PreforkWorker, type PreforkWorkerListener } from './prefork-worker.js'

/** A worker that dies within this time after it was ready, in milliseconds, has failed to start. */
const EARLY_MS = 1000

/** Sends a process what a worker with this number needs, before it runs. */
export type Equip = (process: ForkProcess, id: number) => void

/** Keeps each place filled with a worker that accepts connections. */
export class Supervisor {
  /** All workers that have not ended. */
  readonly all: Set<PreforkWorker> = new Set()
  readonly templates: Templates
  /** The totals so far, see `PreforkStats`. */
  readonly totals: { started: number; died: number; killed: number } = { started: 0, died: 0, killed: 0 }
  /** How many reloads have replaced the template. */
  generation = 0
  readonly #settings: PreforkSettings
  readonly #equip: Equip
  readonly #places: readonly Place[]
  readonly #backOff: BackOff
  readonly #listener: PreforkWorkerListener
  #isStopping = false
  /** Resolves when workers may be started. */
  #nextAttempt: Promise<void> | undefined
  #wake: (() => void) | undefined

  constructor(templates: Templates, settings: PreforkSettings, equip: Equip) {
    this.templates = templates
    this.#settings = settings
    this.#equip = equip
    this.#places = Array.from({ length: settings.workers }, (_, id) => new Place(id))
    this.#backOff = new BackOff(settings.backOff.first, settings.backOff.longest)
    this.#listener = {
      onState: ({ figures }) => settings.onWorker(figures),
      onDraining: worker => this.#release(worker),
      onEnded: worker => this.#onEnded(worker),
    }
  }

  /**
   * Starts a worker in each place.
   *
   * @throws rejects with the first error
   */
  async start(): Promise<void> {
    const { current } = this.templates
    await Promise.all(
      this.#places.map(async place => {
        if (!this.#admit(place, await this.#startWorker(place, current))) void this.#fill(place)
      }),
    )
  }

  /**
   * Replaces the template and all workers. The first new worker decides: if it does not start, nothing changes. Each old
   * worker accepts connections until the new one in its place does.
   *
   * @throws rejects with the error of the first new worker, and if the server stops
   */
  async reload(): Promise<void> {
    const template = this.templates.make()
    const first = this.#places[0]!
    let worker: PreforkWorker
    try {
      worker = await this.#startWorker(first, template, this.generation + 1)
    } catch (error) {
      await this.templates.drop(template)
      this.assertRunning()
      throw error
    }
    this.assertRunning()
    this.templates.replace(template)
    this.generation++
    this.#admit(first, worker)
    for (const place of this.#places) {
      await this.#fill(place)
      this.assertRunning()
    }
    const old = [...this.all].filter(worker => worker.generation < this.generation)
    await Promise.all(old.map(worker => worker.deaf))
  }

  /**
   * Ends all workers and templates.
   *
   * @param grace - how long workers may take to complete their requests, in milliseconds
   */
  async stop(grace: number): Promise<void> {
    this.#isStopping = true
    this.#backOff.cancel()
    this.#wake?.()
    for (const worker of this.all) worker.drain(grace)
    while (this.all.size) await Promise.all([...this.all].map(worker => worker.ended))
    await this.templates.end()
  }

  /** Shortens the grace period of a server that stops. */
  shorten(grace: number): void {
    for (const worker of this.all) worker.drain(grace)
  }

  /** Kills all workers of a server that stops. */
  kill(): void {
    for (const worker of this.all) worker.kill()
  }

  /** @throws `ERR_POOL_CLOSED` if the server stops */
  assertRunning(): void {
    if (this.#isStopping) throw new PoolError('ERR_POOL_CLOSED', 'the server was stopped')
  }

  /** Starts workers in a place until it has one from the current template, or the server stops. */
  #fill(place: Place): Promise<void> {
    return (place.starting ??= this.#startUntilReady(place).finally(() => (place.starting = undefined)))
  }

  async #startUntilReady(place: Place): Promise<void> {
    const isFilled = (): boolean => place.worker?.generation === this.generation
    while (!this.#isStopping && !isFilled()) {
      await this.#untilNextAttempt()
      if (this.#isStopping || isFilled()) return
      try {
        this.#admit(place, await this.#startWorker(place))
      } catch (error) {
        if (!this.#isStopping) this.#settings.onError(error as Error)
      }
    }
  }

  /** Waits for the end of the back-off, or until the server stops. All places make their attempts together. */
  #untilNextAttempt(): Promise<void> {
    return (this.#nextAttempt ??= new Promise<void>(resolve => {
      this.#wake = resolve
      if (this.#backOff.tryNow(resolve, true)) resolve()
    }).finally(() => (this.#nextAttempt = undefined)))
  }

  /**
   * Starts a worker.
   *
   * @param template - if left out, the current one, which is replaced first if it has died
   * @throws rejects if it is not ready in time, or dies before that
   */
  async #startWorker(place: Place, template?: Template, generation = this.generation): Promise<PreforkWorker> {
    const begunAt = performance.now()
    let worker: PreforkWorker | undefined
    try {
      const process = template ? template.process.fork() : this.templates.fork()
      const source = (template ?? this.templates.current).process
      this.#equip(process, place.id)
      worker = new PreforkWorker(process, source, { id: place.id, generation }, this.#listener)
      this.all.add(worker)
      this.totals.started++
      await worker.ready(this.#settings.startTimeout)
      return worker
    } catch (error) {
      worker?.kill()
      if (!this.#isStopping) this.#recordFailure(begunAt)
      throw error
    }
  }

  /**
   * Puts a worker in its place, and lets the previous worker complete its requests and end.
   *
   * @returns false if the worker has ended meanwhile
   */
  #admit(place: Place, worker: PreforkWorker): boolean {
    if (worker.state !== 'ready') return false
    const before = place.worker
    if (before && before.generation > worker.generation) worker.drain(this.#settings.grace)
    else {
      place.worker = worker
      before?.drain(this.#settings.grace)
      setTimeout(() => place.worker === worker && this.#endBackOff(), EARLY_MS).unref()
    }
    return true
  }

  /** Gives up a worker that drains, and starts another one in its place. */
  #release(worker: PreforkWorker): void {
    worker.drain(this.#settings.grace)
    this.#leave(worker)
  }

  #onEnded(worker: PreforkWorker): void {
    this.all.delete(worker)
    if (worker.isKilled) this.totals.killed++
    if (worker.readyAt === Infinity || !worker.death) return // it has not started, or was ended
    if (performance.now() - worker.readyAt < EARLY_MS) this.#recordFailure(worker.startedAt)
    else this.totals.died++
    this.#settings.onError(worker.death)
    this.#leave(worker)
  }

  #leave(worker: PreforkWorker): void {
    const place = this.#places[worker.id]!
    if (place.worker === worker) place.worker = undefined
    void this.#fill(place)
  }

  /** @param begunAt - when the worker was started, in milliseconds of `performance.now()` */
  #recordFailure(begunAt: number): void {
    this.totals.died++
    this.#backOff.fail(begunAt, 1)
  }

  #endBackOff(): void {
    this.#backOff.succeed()
    this.#wake?.()
  }
}
