import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { OrderServer } from '../child/order-server.js'
import { encodeError } from '../error-codec.js'
import { NotForkableError, signalNumber } from '../errors.js'
import { callAfterFork, callBeforeFork } from '../fork-hooks.js'
import { lifeline, takeLifeline } from '../owner/lifeline-pipe.js'
import { forgetChildren, OwnChild } from '../owner/own-child.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { Report } from '../protocol/frame.js'
import { recordBaseline } from '../safety/baseline.js'
import { installExits } from '../safety/exits.js'
import { collectGarbage } from '../safety/garbage.js'
import { installPid } from '../safety/identity.js'
import { armLifeline } from '../safety/lifeline.js'
import { removeListeners } from '../safety/listeners.js'
import { waitForRequests } from '../safety/pending-requests.js'
import { assumeRandomnessUsed, renewRandomness } from '../safety/randomness.js'
import { forgetThreads, startPool } from '../safety/threads.js'
import { findObstacles } from './obstacles.js'

/** So many turns of the event loop may what is about to end take to be gone. */
const TURNS = 10

/** A copy of this program that waits for orders. */
export interface Copy {
  pid: number
  /** Its control socket, which the caller owns. */
  control: Descriptor
}

/** Settles when the copies that were asked for so far have been made, or refused. */
let others: Promise<unknown> = Promise.resolve()

/**
 * Forks this program, one copy after the other.
 *
 * @param own - tells the descriptors that are closed in the copy
 * @returns in this program; in the copy it never does
 * @throws `ERR_NOT_FORKABLE`; the kernel's error
 */
export function forkThisProgram(own: () => ReadonlySet<number>): Promise<Copy> {
  const copy = others.then(() => makeCopy(own))
  others = copy.catch(() => {})
  return copy
}

async function makeCopy(own: () => ReadonlySet<number>): Promise<Copy> {
  await startPool()
  const undo = await callBeforeFork()
  let copy: Copy
  try {
    await waitForRequests().catch(() => {}) // is among the obstacles then
    copy = await atRest(own)
  } catch (error) {
    await undo().catch(() => {}) // the first error is told
    throw error
  }
  try {
    await undo()
  } catch (error) {
    discard(copy)
    throw error
  }
  return copy
}

/** Ends a copy that nobody will have. */
function discard({ pid, control }: Copy): void {
  binding.signal(pid, signalNumber('SIGKILL'), control.fd)
  control.close()
  new OwnChild(pid) // reaps it
}

/**
 * Forks right at the beginning of a turn, when no promise and no tick waits to be gone on
 * with: what could go on in the copy is then only what the event loop has, which is looked
 * through.
 */
function atRest(own: () => ReadonlySet<number>): Promise<Copy> {
  return new Promise((resolve, reject) => {
    const attempt = (turnsLeft: number): void => {
      setImmediate(() => {
        try {
          const obstacles = findObstacles(own())
          if (obstacles.length && turnsLeft) attempt(turnsLeft - 1)
          else if (obstacles.length) reject(new NotForkableError(obstacles))
          else fork(resolve)
        } catch (error) {
          reject(error as Error)
        }
      })
    }
    attempt(TURNS)
  })
}

function fork(resolve: (copy: Copy) => void): void {
  lifeline() // may find no room, and nothing else is open yet
  assumeRandomnessUsed()
  collectGarbage()
  const [ours, theirs] = socketpair()
  const pid = binding.fork()
  if (pid === 0) {
    ours.close()
    void becomeTemplate(theirs)
    return
  }
  theirs.close()
  if (pid > 0) return resolve({ pid, control: ours })
  ours.close()
  throw systemError(pid, 'fork')
}

/** In the copy. Whoever awaits the promise above waits for ever here. */
async function becomeTemplate(control: Descriptor): Promise<void> {
  installExits()
  let armed
  try {
    armed = armLifeline({ shared: takeLifeline(), own: undefined }) // hooks may take for ever
    process.exitCode = undefined
    removeListeners() // are the program's, and so is what they do
    installPid()
    forgetThreads()
    forgetChildren()
    others = Promise.resolve() // the parent's never settles here
    renewRandomness()
    binding.becomeSubreaper()
    await callAfterFork()
  } catch (error) {
    return fail(control, error)
  }
  new OrderServer(control, armed, 'fork', 'fork')
  recordBaseline()
}

/** Tells the owner what the copy ends of. */
function fail(control: Descriptor, error: unknown): never {
  const channel = new ControlChannel(control, { onFrame: () => {}, onEnd: () => {} })
  channel.send(Report.failed, 0, encodeError(error))
  channel.flushAll()
  process.exit(1)
}
