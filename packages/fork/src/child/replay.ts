import { once } from 'node:events'
import { accessSync } from 'node:fs'
import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { afterFork } from '../fork-hooks.js'
import { inheritableDescriptors } from '../inherited-descriptors.js'
import { mainArguments } from '../interpreter.js'
import { withoutForkingFlags } from '../interpreter-flags.js'
import { workingDirectory } from '../module-specifier.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { Command } from '../protocol/frame.js'
import { memoryPolicy } from '../safety/memory-policy.js'
import { spawnInterpreter } from '../spawn-interpreter.js'
import type { OrderLog } from './order-log.js'
import type { Reaper } from './reaper.js'
import { getTitlePrefix } from './title.js'

/** The state in which this process was started. Replaying the orders repeats all later changes. */
export const started: { readonly cwd: string | undefined; readonly env: NodeJS.ProcessEnv } = {
  cwd: workingDirectory(),
  env: { ...process.env },
}

/** The sockets over which orders are being replayed. */
const replaying = new Set<ControlChannel>()

/** Sends the rest of the orders that are being replayed, and blocks while their receivers do not read. */
export function finishReplays(): void {
  for (const channel of replaying) channel.flushAll()
}

/**
 * Starts an interpreter, and sends it the orders that this process has carried out: the substitute for a fork that is
 * not possible.
 *
 * @param control - the control socket of the new process; borrowed
 * @param lifeline - its lifeline; borrowed
 * @returns the pid; the reaper reports its exit
 * @throws `ERR_CANNOT_REPLAY`
 * @throws the error of spawn(2)
 * @throws `ENOENT` if the working folder was changed and the first one removed
 */
export async function spawnReplay(
  control: Descriptor,
  lifeline: Descriptor,
  log: OrderLog,
  reaper: Reaper,
): Promise<number> {
  const cwd = workingDirectory() === started.cwd ? undefined : started.cwd
  if (cwd !== undefined) accessSync(cwd) // the error of spawn(2) would name the interpreter instead
  const [ours, theirs] = socketpair()
  const channel = new ControlChannel(ours, { onFrame: () => {}, onEnd: () => replaying.delete(channel) })
  replaying.add(channel)
  try {
    for (const { type, id, payload, descriptors } of log.forFork()) channel.send(type, id, payload, descriptors)
    channel.send(Command.replayed, 0)
    const child = spawnInterpreter(
      process.execPath,
      [
        ...withoutForkingFlags(process.execArgv),
        ...mainArguments(
          {
            mode: 'exec',
            threads: 'one',
            memory: memoryPolicy(),
            title: getTitlePrefix(),
            inherited: inheritableDescriptors(),
          },
          'replay',
        ),
      ],
      { control, lifeline, replay: theirs },
      { argv0: process.argv0, cwd, env: started.env, stdio: ['inherit', 'inherit', 'inherit'] },
    )
    child.unref()
    await once(child, 'spawn')
    reaper.addSpawned(child)
    return child.pid!
  } catch (error) {
    channel.close()
    replaying.delete(channel)
    throw error
  } finally {
    theirs.close()
  }
}

afterFork(() => {
  for (const channel of replaying) channel.close() // they belong to the parent
  replaying.clear()
})
