/** What workers can do; each peer's worker file offers it in that peer's manner. */
export type Task = keyof typeof import('../workers/tasks.js')

/** What is asked of every peer alike. */
export interface Wish {
  task: Task
  /** Most workers. */
  workers: number
  /** Whether none may be started before the first call, where the peer can be told so; else all are. */
  fromZero?: boolean
}

/** Workers behind a peer's interface. What they leave is killed with the process in which they were started. */
export interface Team {
  /** Has the task done by one of the workers. */
  call(...args: unknown[]): Promise<unknown>
  /** Resolves when the template, if there is one, is ready. */
  ready?(): Promise<unknown>
}

/** Each file in this folder that is named by a contestant exports it as `start`. */
export type Start = (wish: Wish, variant: Record<string, never>) => Team

/** Starts what a contestant names. */
export async function startPeer(
  { peer, variant = {} }: { peer: string; variant?: Record<string, unknown> },
  wish: Wish,
): Promise<Team> {
  return (await loadPeer(peer))(wish, variant as Record<string, never>)
}

/** Loads the peer, so that the time this takes is not measured. */
export async function loadPeer(peer: string): Promise<Start> {
  const { start } = (await import(`./${peer}.js`)) as { start: Start }
  return start
}
