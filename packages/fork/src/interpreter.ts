import { MAIN } from './entry-files.js'
import { programFolder } from './lookup-folder.js'
import type { MemoryPolicy } from './memory-policy.js'
import type { ForkMode } from './mode.js'

/** The descriptors that every interpreter started by this package finds open, beside the standard streams. */
export const CONTROL_FD = 3
export const LIFELINE_FD = 4
/** Only in an interpreter that replays the orders of another process. */
export const REPLAY_FD = 5

/**
 * Set in the environment of an interpreter until it runs `MAIN`, which deletes the variable. Another program that is
 * started by mistake finds it there.
 */
export const STARTED_VARIABLE = 'ANYFORK_STARTED'

/** What the owner tells an interpreter when it starts it. */
export interface MainSettings {
  mode: ForkMode
  /** From `threadsArgument`. */
  threads: string
  memory: MemoryPolicy
  /** The beginning of its title. */
  title: string
  /** The descriptors that it inherits without being given them, from `inheritableDescriptors`. */
  inherited: string
}

/**
 * Returns the arguments that start `MAIN`. `take-orders.ts` reads them.
 *
 * @param how - left out for a template; `'replay'` for an interpreter that replays the orders of another process. For one
 *   that takes the place of a process: the numbers of its control socket, its lifeline, and the file with its orders
 */
export function mainArguments(
  { mode, threads, memory, title, inherited }: MainSettings,
  how?: 'replay' | readonly number[],
): string[] {
  const rest = how === undefined ? [] : [how].flat().map(String)
  return [MAIN, mode, threads, memory, title, programFolder() ?? '', inherited, ...rest]
}
