/** What workers can do; each peer's worker file offers it in that peer's manner. */
export type Task = keyof typeof import('../workers/tasks.js')

/** What is asked of every peer alike. */
export interface PeerOptions {
  task: Task
  /** Most workers. */
  workers: number
  /** Whether none may be started before the first call, where the peer can be told so; else all are. */
  fromZero?: boolean
}

/** Workers behind a peer's interface. What they leave is killed with the process in which they were started. */
export interface Client {
  /** Has the task done by one of the workers. */
  call(...args: unknown[]): Promise<unknown>
  /** Resolves when the template, if there is one, is ready. */
  ready?(): Promise<unknown>
}

/** Each file in this folder that is named by a subject exports it as `start`. */
export type StartPeer = (options: PeerOptions, variant: Record<string, never>) => Client

/** Starts what a subject names. */
export async function startPeer(
  { peer, variant = {} }: { peer: string; variant?: Record<string, unknown> },
  options: PeerOptions,
): Promise<Client> {
  return (await loadPeer(peer))(options, variant as Record<string, never>)
}

/** Loads the peer, so that the time this takes is not measured. */
export async function loadPeer(peer: string): Promise<StartPeer> {
  const { start } = (await import(`./${peer}.js`)) as { start: StartPeer }
  return start
}
