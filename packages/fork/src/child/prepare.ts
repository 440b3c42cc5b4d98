import type { Descriptor } from '@anyfork/fdpass'
import { Command, type Frame } from '../protocol/frame.js'
import { decode } from '../protocol/payload.js'
import { evaluate, loadModule, warm } from './modules.js'

/** The arguments that the next function gets. */
let pending: unknown[] = []

/** Carries out an order that prepares this process for its function and its forks. */
export async function prepare({ type, payload, descriptors }: Frame<Descriptor>): Promise<void> {
  switch (type) {
    case Command.require: {
      const { modules, folder } = decode<{ modules: string[]; folder?: string }>(payload)
      for (const module of modules) await loadModule(module, folder)
      return
    }
    case Command.eval:
      return evaluate(decode(payload))
    case Command.warm:
      return warm(decode(payload))
    case Command.argument:
      return addRunArgs(decode(payload))
    case Command.descriptor:
      return addRunArgs(descriptors)
  }
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
