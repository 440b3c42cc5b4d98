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

/** Starts a peer. The file that a subject names as its `peer` exports this function as `start`. */
export type StartPeer = (options: PeerOptions, variant: Record<string, never>) => Client

/** Loads and starts the peer of a subject. */
export async function startPeer(
  { peer, variant = {} }: { peer: string; variant?: Record<string, unknown> },
  options: PeerOptions,
): Promise<Client> {
  return (await loadPeer(peer))(options, variant as Record<string, never>)
}

/** Loads a peer without starting it, so that a benchmark can exclude the loading from its measurement. */
export async function loadPeer(peer: string): Promise<StartPeer> {
  const { start } = (await import(`./${peer}.js`)) as { start: StartPeer }
  return start
}
