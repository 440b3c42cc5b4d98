import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync } from 'node:fs'
import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { afterFork } from '../fork-hooks.js'
import { mainArguments, withoutForkingFlags } from '../interpreter.js'
import { workingDirectory } from '../module-specifier.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { Command } from '../protocol/frame.js'
import type { OrderLog } from './order-log.js'
import type { Reaper } from './reaper.js'
import { getTitlePrefix } from './title.js'

/** As this process was started: what has changed since changes again when the orders are replayed. */
const started = { cwd: workingDirectory(), env: { ...process.env } }

/** Sockets over which orders are being replayed. */
const replaying = new Set<ControlChannel>()

/**
 * Starts a fresh interpreter that does all that this process was ordered to: what stands
 * in for a fork where there can be none.
 *
 * @param control - its control socket; borrowed
 * @param lifeline - what it is to die with; borrowed
 * @returns its pid; its end is the reaper's to tell
 * @throws `ERR_CANNOT_REPLAY`; the error of spawn(2); `ENOENT` where the working directory was changed, and the first one removed
 */
export async function spawnReplay(
  control: Descriptor,
  lifeline: Descriptor,
  log: OrderLog,
  reaper: Reaper,
): Promise<number> {
  const cwd = workingDirectory() === started.cwd ? undefined : started.cwd
  if (cwd !== undefined) accessSync(cwd) // spawn(2) would name the interpreter
  const [ours, theirs] = socketpair()
  const channel = new ControlChannel(ours, { onFrame: () => {}, onEnd: () => replaying.delete(channel) })
  replaying.add(channel)
  try {
    log.sendTo(channel)
    channel.send(Command.replayed, 0)
    const child = spawn(
      process.execPath,
      [...withoutForkingFlags(process.execArgv), ...mainArguments('exec', getTitlePrefix(), true)],
      {
        argv0: process.argv0,
        cwd,
        env: started.env,
        stdio: ['inherit', 'inherit', 'inherit', control.fd, lifeline.fd, theirs.fd],
      },
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
  for (const channel of replaying) channel.close() // they are the parent's
  replaying.clear()
})
