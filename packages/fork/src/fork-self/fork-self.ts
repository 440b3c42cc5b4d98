import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { descriptorsOfOrders, OrderServer, stopTakingOrders } from '../child/order-server.js'
import { threadLimitReport } from '../child/owner-link.js'
import { type ThreadChoice, threadsArgument } from '../copied-threads.js'
import { encodeError } from '../error-codec.js'
import { NotForkableError, signalNumber } from '../errors.js'
import { callAfterFork, callBeforeFork } from '../fork-hooks.js'
import { lifeline, takeLifeline } from '../owner/lifeline-pipe.js'
import { forgetChildren, OwnChild } from '../owner/own-child.js'
import { ControlChannel } from '../protocol/control-channel.js'
import { Report } from '../protocol/frame.js'
import { reasonOfRefusal, refusalOf, setThreads } from '../safety/all-threads.js'
import { recordBaseline } from '../safety/baseline.js'
import { exitWithoutTeardown, installExits } from '../safety/exits.js'
import { collectGarbage } from '../safety/garbage.js'
import { installPid } from '../safety/identity.js'
import { armLifeline } from '../safety/lifeline.js'
import { removeListeners } from '../safety/listeners.js'
import { waitForRequests } from '../safety/pending-requests.js'
import { assumeRandomnessUsed, renewRandomness } from '../safety/randomness.js'
import { forgetThreads, startPool, waitForForeignThreads } from '../safety/threads.js'
import { endWithUnsettledMain } from '../safety/unsettled-main.js'
import { findingOfRefusal, findObstacles, hasForkingFlags } from './obstacles.js'

/** How many turns of the event loop things get that are about to end. */
const TURNS = 10

/** A copy of this program, which waits for orders. */
export interface Copy {
  pid: number
  /** The control socket; owned by the caller. */
  control: Descriptor
}

/** Settles when all earlier copies have been made or rejected. */
let others: Promise<unknown> = Promise.resolve()

/**
 * Forks this program. Copies are made one after the other.
 *
 * @param choice - which threads the copy and its forks have
 * @param own - returns the descriptors of this program's processes, which are closed in the copy
 * @returns resolves in this program; never settles in the copy
 * @throws rejects with `ERR_NOT_FORKABLE`, or the error of fork(2)
 */
export function forkThisProgram(choice: ThreadChoice, own: () => ReadonlySet<number>): Promise<Copy> {
  const copy = others.then(() => makeCopy(choice, own))
  others = copy.catch(() => {})
  return copy
}

async function makeCopy(choice: ThreadChoice, own: () => ReadonlySet<number>): Promise<Copy> {
  await startPool().catch(() => {}) // where /proc cannot be read, that is among the obstacles
  const undo = await callBeforeFork()
  let copy: Copy
  try {
    await waitForRequests().catch(() => {}) // pending requests are among the obstacles
    // what cannot be read, and threads that remain, are among the obstacles, too
    if (choice.threads === 'one' && hasForkingFlags()) await waitForForeignThreads().catch(() => {})
    copy = await atRest(choice, own)
  } catch (error) {
    await undo().catch(() => {}) // the first error is the one to report
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

/** Ends a copy that no caller will get. */
function discard({ pid, control }: Copy): void {
  binding.signal(pid, signalNumber('SIGKILL'), control.fd, 0)
  control.close()
  new OwnChild(pid) // reaps it
}

/**
 * Forks at the beginning of a turn of the event loop, when no promise reaction and no tick is pending. Only what is in
 * the event loop could go on in the copy then, and that is checked first.
 */
function atRest(choice: ThreadChoice, own: () => ReadonlySet<number>): Promise<Copy> {
  return new Promise((resolve, reject) => {
    const attempt = (turnsLeft: number): void => {
      setImmediate(() => {
        try {
          const obstacles = findObstacles(choice, new Set([...own(), ...descriptorsOfOrders()]))
          if (obstacles.length && turnsLeft) attempt(turnsLeft - 1)
          else if (obstacles.length) reject(new NotForkableError(obstacles))
          else fork(choice, resolve)
        } catch (error) {
          reject(error as Error)
        }
      })
    }
    attempt(TURNS)
  })
}

function fork(choice: ThreadChoice, resolve: (copy: Copy) => void): void {
  const { fd: shared } = lifeline() // may throw EMFILE, so it comes before anything that would have to be closed
  assumeRandomnessUsed()
  collectGarbage()
  const [ours, theirs] = socketpair()
  const areAll = choice.threads === 'all'
  const pid = areAll ? binding.forkWithThreads(theirs.fd, shared, threadLimitReport()) : binding.fork()
  if (pid === 0) {
    ours.close()
    void becomeTemplate(choice, theirs)
    return
  }
  theirs.close()
  if (pid > 0) return resolve({ pid, control: ours })
  ours.close()
  throw areAll ? errorOf(refusalOf(pid)) : systemError(pid, 'fork')
}

/** Returns the error for a fork with all threads that has failed. */
function errorOf(error: Error): Error {
  const reason = reasonOfRefusal(error)
  return reason === undefined ? error : new NotForkableError([findingOfRefusal(reason)])
}

/** Runs in the copy. Code that awaits the promise of `forkThisProgram` never goes on there. */
async function becomeTemplate(choice: ThreadChoice, control: Descriptor): Promise<void> {
  setThreads(threadsArgument(choice))
  if (choice.threads === 'one') installExits()
  else exitWithoutTeardown()
  let armed
  try {
    armed = armLifeline({ shared: takeLifeline(), own: undefined }) // comes first: hooks may take forever
    process.exitCode = undefined
    removeListeners() // they belong to the program
    if (choice.threads === 'all') endWithUnsettledMain()
    installPid()
    forgetThreads()
    forgetChildren()
    stopTakingOrders() // those to the program, if it was forked itself
    others = Promise.resolve() // the parent's promise never settles here
    renewRandomness()
    binding.becomeSubreaper()
    await callAfterFork()
  } catch (error) {
    return fail(control, error)
  }
  new OrderServer(control, armed, 'fork', 'fork')
  recordBaseline({ mayHaveUsedStreams: true })
}

/** Reports to the owner why the copy exits. */
function fail(control: Descriptor, error: unknown): never {
  const channel = new ControlChannel(control, { onFrame: () => {}, onEnd: () => {} })
  channel.send(Report.failed, 0, encodeError(error))
  channel.flushAll()
  process.exit(1)
}
