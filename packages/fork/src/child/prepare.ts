import type { Descriptor } from '@anyfork/fdpass'
import { Command, type Frame } from '../protocol/frame.js'
import { decode } from '../protocol/payload.js'
import { evaluate, isLoaded, loadModule, warm } from './modules.js'

/** The arguments that the next function gets. */
let pending: unknown[] = []

/**
 * Carries out an order that prepares this process for its function and its forks.
 *
 * @returns whether code has run that had not run before
 */
export async function prepare({ type, payload, descriptors }: Frame<Descriptor>): Promise<boolean> {
  switch (type) {
    case Command.require:
      return loadAll(decode(payload))
    case Command.eval:
      await evaluate(decode(payload))
      return true
    case Command.warm:
      await warm(decode(payload))
      return true
    case Command.argument:
      addRunArgs(decode(payload))
      return false
    default:
      addRunArgs(descriptors)
      return false
  }
}

async function loadAll({ modules, folder }: { modules: string[]; folder?: string }): Promise<boolean> {
  const isAnyNew = modules.some(module => !isLoaded(module, folder))
  for (const module of modules) await loadModule(module, folder)
  return isAnyNew
}

function addRunArgs(values: readonly unknown[]): void {
  pending.push(...values)
}

/**
 * Takes the arguments that `sendArg` and `sendFd` have sent so far, in order. The function does not get them. For code
 * that runs before the function. Follows AnyEvent::Fork::Serve::run_args.
 *
 * @returns the values, and a `Descriptor` for each descriptor; the caller owns these
 */
export function runArgs(): unknown[] {
  const taken = pending
  pending = []
  return taken
}
