import { binding } from '../binding.js'

/** How often promise reactions and ticks may alternate until a listener of `'beforeExit'` has begun something. */
const ROUNDS = 10

/**
 * Lets a copy of a program, and its forks, end although their main module never does: it awaits the fork forever. Node
 * would report that, and end with the code 13. So once nothing is left to do, the process exits.
 */
export function endWithUnsettledMain(): void {
  process.on('beforeExit', () => settle(ROUNDS))
}

/** Waits until listeners have done what they do without the event loop. */
function settle(rounds: number): void {
  if (rounds) process.nextTick(queueMicrotask, () => settle(rounds - 1))
  else if (!binding.isLoopAlive()) process.exit()
}
