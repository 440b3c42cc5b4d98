import type { Descriptor } from '@anyfork/fdpass'
import { Command, type Frame } from '../protocol/frame.js'
import { decode } from '../protocol/payload.js'
import { evaluate, loadModule, warm } from './modules.js'

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

/** Keeps arguments for the function. */
function addRunArgs(values: readonly unknown[]): void {
  pending.push(...values)
}

/**
 * Takes what was sent so far with `sendArg` and `sendFd`, in order; the function
 * does not get it any more. For code that runs before it, as
 * AnyEvent::Fork::Serve::run_args.
 */
export function runArgs(): unknown[] {
  const taken = pending
  pending = []
  return taken
}
