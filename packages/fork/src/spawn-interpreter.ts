import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { type Descriptor, dup } from '@anyfork/fdpass'
import { binding } from './binding.js'
import { STARTED_VARIABLE } from './interpreter.js'
import { openUntilThreadEnd, spawnUntilThreadEnd } from './thread-end.js'

/** What an interpreter inherits, beside the standard streams. All are borrowed. */
export interface Inheritance {
  control: Descriptor
  lifeline: Descriptor
  replay?: Descriptor
}

/**
 * Starts an interpreter that takes orders. The kernel ends it when its lifeline ends, from its first step on.
 *
 * @param options - those of `child_process.spawn`; `stdio` is that of the standard streams
 * @throws the error of spawn(2) where it is known at once
 */
export function spawnInterpreter(
  execPath: string,
  args: readonly string[],
  { control, lifeline, replay }: Inheritance,
  options: SpawnOptions & { stdio: readonly ('inherit' | 'ignore' | number)[] },
): ChildProcess {
  const own = openLifeline(lifeline)
  const env = { ...(options.env ?? process.env), [STARTED_VARIABLE]: '1' }
  try {
    const given = [control, own ?? lifeline, ...(replay ? [replay] : [])].map(({ fd }) => fd)
    const child = spawnUntilThreadEnd(() =>
      spawn(execPath, args, { ...options, env, stdio: [...options.stdio, ...given] }),
    )
    if (own && child.pid !== undefined) binding.claimLifeline(own.fd, child.pid)
    return child
  } finally {
    own?.close()
  }
}

/** Opens the lifeline for one process. Returns `undefined` if that is not possible: the process then opens it itself. */
function openLifeline(lifeline: Descriptor): Descriptor | undefined {
  const slot = openUntilThreadEnd(() => dup(lifeline))
  if (binding.openLifeline(lifeline.fd, slot.fd) === 0) return slot
  slot.close()
  return undefined
}
