import Denque from 'denque'
import { preload, type ForkProcess, type ModuleSpecifier } from '@anyfork/fork-rpc'
import { PoolError } from './errors.js'
import { Worker, type WorkerFigures } from './worker.js'

interface Job {
  args: unknown[]
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Gives calls to workers: one at a time to each, in the order in which they came. */
export class Scheduler {
  readonly #template: ForkProcess
  readonly #module: ModuleSpecifier
  readonly #name: string
  readonly #max: number
  readonly #queue = new Denque<Job>()
  /** All that count towards the limit, and those of them that have started. */
  readonly #workers = new Set<Worker>()
  readonly #started = new Set<Worker>()
  readonly #idle: Worker[] = []
  #starting = 0
  /** Whether one could not be started; it is tried again when a call has ended, not before. */
  #hasFailedToStart = false
  #running = 0
  #refusal: PoolError | undefined
  #drained: (() => void) | undefined
  #ending: Promise<void> | undefined

  constructor(template: ForkProcess, module: ModuleSpecifier, name: string, max: number) {
    this.#template = preload(template).require(module)
    this.#module = module
    this.#name = name
    this.#max = max
  }

  get workers(): WorkerFigures[] {
    return [...this.#workers].filter(worker => worker.rpc.pid !== undefined).map(worker => worker.figures)
  }

  call(args: unknown[]): Promise<unknown> {
    if (this.#refusal) return Promise.reject(this.#refusal)
    return new Promise((resolve, reject) => {
      this.#queue.push({ args, resolve, reject })
      this.#schedule()
    })
  }

  close(): Promise<void> {
    this.#refusal ??= new PoolError('ERR_POOL_CLOSED', 'called after close()')
    return (this.#ending ??= this.#drain().then(() => this.#end('close')))
  }

  destroy(): Promise<void> {
    const destroyed = new PoolError('ERR_POOL_DESTROYED', 'the pool was destroyed')
    this.#refusal = destroyed
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) job.reject(destroyed)
    const ended = this.#end('destroy')
    this.#ending = this.#ending ? Promise.all([this.#ending, ended]).then(() => {}) : ended
    return this.#ending
  }

  #schedule(): void {
    while (this.#queue.length && this.#idle.length) {
      const worker = this.#idle.pop()!
      if (worker.rpc.isAlive) void this.#run(worker, this.#queue.shift()!)
      else this.#forget(worker)
    }
    while (this.#starting < this.#queue.length && this.#workers.size < this.#max && !this.#hasFailedToStart) void this.#start()
    if (!this.#queue.length && !this.#running) this.#drained?.()
  }

  async #run(worker: Worker, job: Job): Promise<void> {
    this.#running++
    try {
      job.resolve(await worker.call(job.args))
    } catch (error) {
      job.reject(error)
    }
    this.#running--
    this.#hasFailedToStart = false
    if (worker.rpc.isAlive) this.#idle.push(worker)
    else this.#forget(worker)
    this.#schedule()
  }

  async #start(): Promise<void> {
    this.#starting++
    let worker: Worker | undefined
    try {
      worker = new Worker(this.#template, this.#module, this.#name)
      this.#workers.add(worker)
      void worker.rpc.ended.then(() => this.#remove(worker!))
      await worker.ready
      this.#starting--
      if (this.#workers.has(worker)) {
        this.#started.add(worker)
        this.#idle.push(worker)
      }
    } catch (error) {
      await null // not within the call that wanted to start it
      this.#starting--
      if (worker) this.#forget(worker)
      // Workers that have started go on with the queue; without any, it would wait for ever.
      if (this.#started.size) this.#hasFailedToStart = true
      else this.#queue.shift()?.reject(error)
    }
    this.#schedule()
  }

  #remove(worker: Worker): void {
    this.#forget(worker)
    this.#schedule()
  }

  #forget(worker: Worker): void {
    this.#workers.delete(worker)
    if (this.#started.delete(worker)) this.#hasFailedToStart = false
    const index = this.#idle.indexOf(worker)
    if (index >= 0) this.#idle.splice(index, 1)
  }

  #drain(): Promise<void> {
    return new Promise(resolve => {
      this.#drained = resolve
      this.#schedule()
    })
  }

  async #end(how: 'close' | 'destroy'): Promise<void> {
    await Promise.allSettled([...this.#workers].map(worker => worker.rpc[how]()))
    await this.#template.close()
  }
}
