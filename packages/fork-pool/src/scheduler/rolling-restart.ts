import type { Template } from '../worker/templates.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'

/** Replaces all workers by workers of a new template, while calls go on. Restarts run one after the other. */
export class RollingRestart {
  readonly #workerSet: WorkerSet
  readonly #isIsolated: boolean
  #last: Promise<void> | undefined

  /** @param isIsolated - whether each call has its own worker, so that only waiting calls need a new one */
  constructor(workerSet: WorkerSet, isIsolated: boolean) {
    this.#workerSet = workerSet
    this.#isIsolated = isIsolated
  }

  /**
   * Makes a template, and restarts the workers when earlier restarts are done.
   *
   * @param make - called after the earlier restarts, because the files may have changed by then
   * @returns resolves when all other workers have ended
   * @throws rejects if the template cannot be made or its first worker fails to start; nothing has changed then
   */
  run(make: () => Promise<Template>): Promise<void> {
    const restart = async (): Promise<void> => this.#restart(await make())
    this.#last = this.#last ? this.#last.then(restart, restart) : restart()
    return this.#last
  }

  /** Resolves when all restarts so far have succeeded or failed. */
  async finished(): Promise<void> {
    await this.#last?.catch(() => {})
  }

  /** Each worker ends when it has completed its calls, and after its successor has started. */
  async #restart(template: Template): Promise<void> {
    const { templates, spares } = this.#workerSet
    let successor: Worker | undefined
    try {
      successor = await this.#workerSet.startFrom(template)
    } catch (error) {
      await templates.drop(template)
      throw error
    }
    templates.replace(template)
    spares.renew()
    if (this.#isIsolated) void this.#workerSet.retire(successor)
    for (let old = this.#predecessorOf(template); old; old = this.#predecessorOf(template)) {
      // if the successor fails to start, the waiting calls start a worker as usual
      if (!successor && !this.#isIsolated) await this.#workerSet.startFrom(template).catch(() => {})
      successor = undefined
      void this.#workerSet.retire(old)
    }
    await Promise.all(
      [...this.#workerSet.all].filter(worker => worker.template !== template).map(worker => worker.ended),
    )
  }

  /** Returns a worker of another template that is not ending. It may still be starting. */
  #predecessorOf(template: Template): Worker | undefined {
    for (const worker of this.#workerSet.all) if (worker.template !== template && !worker.isEnding) return worker
    return undefined
  }
}
