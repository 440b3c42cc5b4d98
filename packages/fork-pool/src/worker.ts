import { run, type ForkProcess, type ModuleSpecifier, type Rpc } from '@anyfork/fork-rpc'

/** What a worker has done. */
export interface WorkerFigures {
  pid: number
  /** From asking the template for it to its first byte, in milliseconds. */
  startMilliseconds: number
  /** How many calls it was given. */
  calls: number
}

/** One process of a pool. */
export class Worker {
  readonly rpc: Rpc
  /** Resolves when it can be called. */
  readonly ready: Promise<void>
  #startMilliseconds = 0
  #calls = 0

  constructor(template: ForkProcess, module: ModuleSpecifier, name: string) {
    const asked = performance.now()
    this.rpc = run(template.fork(), module, name, { onError: () => {} }) // its calls and `ended` tell
    this.ready = this.rpc.ready().then(() => {
      this.#startMilliseconds = performance.now() - asked
    })
  }

  call(args: unknown[]): Promise<unknown> {
    this.#calls++
    return this.rpc(...args)
  }

  get figures(): WorkerFigures {
    return { pid: this.rpc.pid ?? 0, startMilliseconds: this.#startMilliseconds, calls: this.#calls }
  }
}
