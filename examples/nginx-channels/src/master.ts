import { setAsyncOwner, setNonblocking, socketpair } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { Channel } from './channel.js'
import { commands } from './message.js'

const workerModule = new URL('./worker.js', import.meta.url)
/** How long to wait after a worker could not be started, or has ended by itself, in milliseconds. */
const RETRY_MS = 100

/** A worker, as the master sees it. */
interface Worker {
  pid: number
  slot: number
  child: ForkProcess
  /** The end of its channel to which the master and all other workers write. */
  channel: Channel
}

/** Options of `Master`. */
export interface MasterOptions {
  workers: number
  /** How many messages each worker sends to each other one. */
  greetings: number
  log: string
  /** When to kill workers that do not end, in milliseconds. */
  grace: number
}

/** Starts workers, connects them with each other, and replaces those that end. */
export class Master {
  readonly #options: MasterOptions
  #template = makeTemplate()
  readonly #workers = new Map<number, Worker>()
  /** By the pids of two workers, as `1>2`: how often messages from one to the other had to wait. */
  readonly #met = new Map<string, number>()
  #signals = 0
  #isEnding = false

  constructor(options: MasterOptions) {
    this.#options = options
    // The master does not watch its channels: the kernel tells it with a signal that there is something to read.
    process.on('SIGIO', () => {
      this.#signals++
      for (const worker of this.#workers.values()) this.#receive(worker)
    })
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.workers }, (_, slot) => this.#spawn(slot)))
  }

  /** Sends a command to all workers. */
  broadcast(command: 'quit' | 'terminate' | 'reopen'): void {
    for (const { channel } of this.#workers.values()) channel.send({ command: commands[command] }).catch(() => {})
  }

  /** Ends all workers. Resolves when they have ended. */
  async end(command: 'quit' | 'terminate'): Promise<void> {
    this.#isEnding = true
    const children = [...this.#workers.values()].map(({ child }) => child)
    this.broadcast(command)
    const timer = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL')
    }, this.#options.grace)
    await Promise.all(children.map(({ exited }) => exited))
    clearTimeout(timer)
    await this.#template.close()
  }

  /** Fills a slot, or tries again later: the descriptor table may be full, or the template has died. */
  async #spawn(slot: number): Promise<void> {
    if (this.#isEnding) return
    try {
      this.#introduce(await this.#startWorker(slot))
    } catch (error) {
      console.error(`slot ${slot} has no worker: ${(error as Error).message}`)
      this.#spawnLater(slot)
    }
  }

  async #startWorker(slot: number): Promise<Worker> {
    const { greetings, log } = this.#options
    const [ours, theirs] = socketpair({ type: 'seqpacket' }) // close-on-exec
    try {
      for (const end of [ours, theirs]) setNonblocking(end, true)
      setAsyncOwner(ours, process.pid)
      const channel = new Channel(ours)
      if (!this.#template.isAlive) this.#template = makeTemplate()
      const child = this.#template.fork().sendArg(slot, greetings, log).sendFd(theirs)
      const control = await child.run(workerModule, 'work')
      control.close()
      return { pid: child.pid!, slot, child, channel }
    } catch (error) {
      ours.close()
      throw error
    } finally {
      theirs.close()
    }
  }

  #spawnLater(slot: number): void {
    setTimeout(() => void this.#spawn(slot), RETRY_MS)
  }

  /** Gives a new worker the channels of all others, and all others its channel. */
  #introduce(worker: Worker): void {
    const { pid, slot, child, channel } = worker
    console.log(`slot ${slot} has pid ${pid}`)
    for (const other of this.#workers.values()) {
      this.#announce(other, worker)
      this.#announce(worker, other)
    }
    this.#workers.set(slot, worker)
    void child.exited.then(({ code, signal }) => {
      this.#receive(worker)
      this.#forget(worker)
      console.log(`slot ${slot} (pid ${pid}) has ended: ${signal ?? code}`)
      if (signal) void this.#spawn(slot)
      else this.#spawnLater(slot) // it may do the same again
    })
    if (this.#isEnding) channel.send({ command: commands.terminate }).catch(() => {})
  }

  #announce(worker: Worker, to: Worker): void {
    const { pid, slot, channel } = worker
    to.channel.send({ command: commands.openChannel, pid, slot }, channel.descriptor).catch(() => {})
  }

  #forget({ pid, slot, channel }: Worker): void {
    this.#workers.delete(slot)
    channel.close()
    for (const pair of this.#met.keys()) if (pair.split('>').includes(`${pid}`)) this.#met.delete(pair)
    for (const other of this.#workers.values())
      other.channel.send({ command: commands.closeChannel, pid, slot }).catch(() => {})
  }

  #receive(worker: Worker): void {
    try {
      for (const { message, descriptor } of worker.channel.receive()) {
        descriptor?.close()
        if (message.command === commands.reached) this.#onReached(worker, message.pid, message.number)
      }
    } catch (error) {
      console.error(`slot ${worker.slot} (pid ${worker.pid}) is killed: ${(error as Error).message}`)
      worker.child.kill('SIGKILL')
    }
  }

  #onReached(worker: Worker, pid: number, waits: number): void {
    const { workers, greetings } = this.#options
    const pids = new Set([...this.#workers.values()].map(one => one.pid))
    if (!pids.has(pid)) return
    this.#met.set(`${worker.pid}>${pid}`, waits)
    const pairs = workers * (workers - 1)
    if (pids.size < workers || this.#met.size < pairs) return
    const allWaits = [...this.#met.values()].reduce((sum, one) => sum + one, 0)
    console.log(
      `all ${pairs} pairs have met: ${pairs * greetings} greetings, ${allWaits} waits for room, 0 dropped; ` +
        `${this.#signals} signals so far`,
    )
  }
}

function makeTemplate(): ForkProcess {
  return ForkProcess.exec().require(workerModule)
}
