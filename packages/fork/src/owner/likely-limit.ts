import { type ExitStatus, signalName } from '../errors.js'
import { type Restrictions, softAndHard } from '../restrictions.js'
import { checkForMemoryKill } from './out-of-memory.js'

/** The limits that an owner has set. */
export type Limits = NonNullable<Restrictions['rlimits']>

/** A shell that runs the process reports its signal by an exit code above this one. */
const SHELL_BASE = 128

/**
 * Names the limit that has probably ended a process: the kernel reports only the signal.
 *
 * @param limits - the limits that the owner has set
 * @returns the end of a sentence, or `undefined` if no limit is likely
 */
export function likelyLimit(status: ExitStatus, limits: Limits): string | undefined {
  const isLimited = (name: keyof Limits): boolean => {
    const limit = limits[name]
    return limit !== undefined && softAndHard(limit)[0] !== Infinity
  }
  switch (status.signal ?? signalName(Math.max(0, (status.code ?? 0) - SHELL_BASE))) {
    case 'SIGXCPU':
      return 'it exceeded its limit of processor time, rlimits.cpu'
    case 'SIGKILL':
      if (checkForMemoryKill()) return 'the system or its container was probably out of memory (OOM killer)'
      return isLimited('cpu') ? 'it probably exceeded its limit of processor time, rlimits.cpu' : undefined
    case 'SIGSEGV':
      if (isLimited('stack')) return 'it probably exceeded its limit of the stack, rlimits.stack'
      return memoryLimit(isLimited)
    case 'SIGABRT':
    case 'SIGTRAP': // V8 chooses among these
    case 'SIGILL':
      return memoryLimit(isLimited) ?? "V8 probably ran out of memory: see Node's option --max-old-space-size"
    default:
      return undefined
  }
}

function memoryLimit(isLimited: (name: keyof Limits) => boolean): string | undefined {
  const names = (['as', 'data'] as const).filter(isLimited).map(name => `rlimits.${name}`)
  return names.length ? `it probably ran out of memory, which ${names.join(' and ')} limits` : undefined
}
