import { readdirSync } from 'node:fs'
import { Descriptor, isCloseOnExec } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { LIFELINE_FD, REPLAY_FD } from './interpreter.js'

const FDS = isLinux ? '/proc/self/fd' : '/dev/fd'
/** How many numbers the arguments of a program have room for. */
const MOST = 10_000

/**
 * Returns the numbers of the descriptors that a program would inherit if it were started now, beside those that it is
 * given, as one word. Node marks most of them close-on-exec when it starts, but only up to the first gap.
 */
export function inheritableDescriptors(): string {
  let numbers: number[]
  try {
    numbers = readdirSync(FDS).map(Number)
  } catch {
    return '' // the system does not list them
  }
  return numbers.filter(isInheritable).slice(0, MOST).join()
}

/**
 * Closes the descriptors that this program has inherited without being given them. They cannot be told from its own,
 * but nothing else can have had these numbers since it was started.
 *
 * @param word - from `inheritableDescriptors` of the program that has started this one
 * @param isReplay - whether this program was given `REPLAY_FD`
 */
export function closeInherited(word: string, isReplay: boolean): void {
  const lastGiven = isReplay ? REPLAY_FD : LIFELINE_FD
  for (const number of word.split(',').filter(Boolean).map(Number)) {
    if (number > lastGiven && isInheritable(number)) new Descriptor(number).close()
  }
}

/** Returns false for a closed descriptor as well. */
function isInheritable(fd: number): boolean {
  try {
    return fd > 2 && !isCloseOnExec(fd)
  } catch {
    return false
  }
}
