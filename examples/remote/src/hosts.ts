import { ForkError, ForkProcess, PoolError, pool, RpcError } from '@anyfork/fork-pool'

type Fn = (...args: never[]) => unknown

/** A machine that can be called. */
interface Host<F extends Fn> {
  readonly name: string
  /** Resolves when Node has started there, and rejects with an `UnreachableError`. */
  readonly reached: Promise<void>
  readonly pool: ReturnType<typeof pool<F>>
  readonly workers: number
  pending: number
}

/** The command of a host has not started Node there. */
class UnreachableError extends Error {}

/** What to run, and where. */
export interface HostsOptions {
  /** For each host, the command that starts Node there: `['ssh', 'host', 'node']`. */
  commands: readonly (readonly string[])[]
  /** The module that exports the function: a data: URL, unless each host has it. */
  module: URL
  /** The name of the function. */
  name: string
  /** How many processes each host runs. */
  workers: number
  /** Called when a host is no longer used. */
  onLost(name: string, error: Error): void
}

/** Several machines that call the same function. A host that cannot be reached is left out. */
export class Hosts<F extends Fn> {
  readonly #hosts = new Set<Host<F>>()
  readonly #onLost: HostsOptions['onLost']
  #isClosed = false

  constructor({ commands, module, name, workers, onLost }: HostsOptions) {
    this.#onLost = onLost
    for (const command of commands) {
      const template = ForkProcess.remote({ command }) // each worker is another connection with the same command
      const reached = template.ready().catch((cause: Error) => {
        throw new UnreachableError(cause.message, { cause })
      })
      reached.catch(() => {}) // calls report it
      // Each worker has one call: the others wait for the host that is free first, not for this one.
      const pooled = pool<F>(template, module, name, { max: workers, load: 1 })
      this.#hosts.add({ name: command.join(' '), reached, pool: pooled, workers, pending: 0 })
    }
  }

  /** How many calls can run at once. */
  get capacity(): number {
    return [...this.#hosts].reduce((sum, { workers }) => sum + workers, 0)
  }

  /**
   * Calls the function on the host with the fewest calls, and on another one if that host fails.
   *
   * @throws rejects with the error of the last host when none is left, and with that of the function
   */
  async call(...args: Parameters<F>): Promise<Awaited<ReturnType<F>>> {
    for (let failure = new Error('there is no host'); ; ) {
      const host = [...this.#hosts].sort((one, other) => one.pending - other.pending)[0]
      if (!host) throw failure
      host.pending++
      try {
        await host.reached
        return (await host.pool(...(args as never))) as Awaited<ReturnType<F>>
      } catch (error) {
        if (this.#isClosed || !isOfHost(error)) throw error // that of the function, or of its pool, which is closed
        failure = error
        this.#lose(host, error)
      } finally {
        host.pending--
      }
    }
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#hosts].map(host => host.pool.close()))
  }

  #lose(host: Host<F>, error: Error): void {
    if (!this.#hosts.delete(host)) return
    this.#onLost(host.name, error)
    void host.pool.destroy()
  }
}

/** Returns whether the host has failed, and not the function that was called. */
function isOfHost(error: unknown): error is Error {
  return [UnreachableError, ForkError, PoolError, RpcError].some(type => error instanceof type)
}
