import type { Subject } from '../harness/benchmark.js'

/** A function that workers run. Each peer's worker file exports the functions in the form that the peer requires. */
export type Task = keyof typeof import('../workers/tasks.js')

/** The options that all peers support. */
export interface PeerOptions {
  /** The function that calls run. */
  task: Task
  /** The maximum number of workers. */
  workers: number
  /**
   * True to start no worker before the first call, if the peer has an option for this. Otherwise all workers are
   * started at once.
   *
   * @default false
   */
  fromZero?: boolean
}

/** One interface to all peers. It has no `close`: the workers are killed together with the process of the sample. */
export interface Client {
  /** Runs the task in a worker. */
  call(...args: unknown[]): Promise<unknown>
  /** Resolves when the template is ready. Peers without a template lack it. */
  ready?(): Promise<unknown>
}

/** The part of a subject that says how to start it. */
type PeerOfSubject = Pick<Subject, 'peer' | 'variant'>

/** Starts a peer in the variant of a subject. */
export type StartPeer = (options: PeerOptions) => Client

/** What the file exports that a subject names as its `peer`. */
interface PeerModule {
  start(options: PeerOptions, variant: Record<string, unknown>): Client
}

/** Loads and starts the peer of a subject. */
export async function startPeer(subject: PeerOfSubject, options: PeerOptions): Promise<Client> {
  return (await loadPeer(subject))(options)
}

/** Loads the peer of a subject without starting it, so that a benchmark can exclude the loading from its measurement. */
export async function loadPeer({ peer, variant = {} }: PeerOfSubject): Promise<StartPeer> {
  const { start } = (await import(`./${peer}.js`)) as PeerModule
  return options => start(options, variant)
}
