import { anInteger, type Expectation, isLinux } from '@anyfork/fdpass/internal'
import { obstacleInProc } from '@anyfork/fork/internal'

/** The longest delay that setTimeout accepts, in milliseconds. */
const LONGEST_MS = 2 ** 31 - 1

export const aDuration: Expectation = {
  test: value => typeof value === 'number' && value >= 0 && value <= LONGEST_MS,
  text: `a number of milliseconds from 0 to ${LONGEST_MS}`,
}

export const aDurationOrInfinity: Expectation = orInfinity(aDuration)

export const aPositiveNumber: Expectation = {
  test: value => typeof value === 'number' && value > 0,
  text: 'a positive number',
}

/** @throws TypeError if a limit is set that needs /proc or a clock which this system lacks */
export function checkLimits(call: string, limits: { memory?: number | undefined; cpuMs?: number | undefined }): void {
  const obstacle = limits.memory === undefined ? undefined : obstacleInProc()
  if (obstacle)
    throw new TypeError(
      `option memory of ${call} needs the files of processes: ${obstacle.subject} (${obstacle.advice})`,
    )
  if (isLinux) return
  for (const [name, limit] of Object.entries(limits))
    if (limit !== undefined) throw new TypeError(`option ${name} of ${call} needs Linux`)
}

/** Expects an integer of at least `least`, or `Infinity`. */
export function aCount(least: number): Expectation {
  return orInfinity(anInteger(least))
}

function orInfinity({ test, text }: Expectation): Expectation {
  return { test: value => value === Infinity || test(value), text: `${text}, or Infinity` }
}
