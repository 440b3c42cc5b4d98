import { isLinux } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { ForkError } from '../errors.js'
import { type Obstacle, obstacleInProc } from '../proc.js'

let found: Obstacle | undefined
let hasLooked = false

/** Returns what is always in the way of a fork of this process; `undefined` if nothing is. */
export function lastingObstacle(): Obstacle | undefined {
  if (!hasLooked) found = findObstacle()
  hasLooked = true
  return found
}

/** @throws `ERR_FORK_IMPOSSIBLE` */
export function assertNoLastingObstacle(): void {
  const obstacle = lastingObstacle()
  if (obstacle) throw new ForkError('ERR_FORK_IMPOSSIBLE', `${obstacle.subject}: ${obstacle.text} (${obstacle.advice})`)
}

function findObstacle(): Obstacle | undefined {
  if (!isLinux)
    return {
      subject: process.platform,
      text: 'a Node.js program can only be forked on Linux',
      advice:
        "use ForkProcess.exec(): here, its forks are interpreters that carry out the same orders again, as in mode 'exec'",
    }
  const obstacle = obstacleInProc()
  if (obstacle) return obstacle
  const out = new Int32Array(3)
  if (binding.peekEnded(0, out) < 0)
    return {
      subject: 'a filter that refuses waitid(2)',
      text: 'this process could not learn that its forks have ended',
      advice: 'allow the system call, for example in the seccomp profile of the container',
    }
  if (!Object.getOwnPropertyDescriptor(Math, 'random')?.configurable)
    return {
      subject: 'frozen Math.random()',
      text: 'it cannot be replaced, and would give the same values in all forks',
      advice: 'start the template without --frozen-intrinsics, by the option execArgv',
    }
  return undefined
}
