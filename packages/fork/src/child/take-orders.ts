import { Descriptor, setCloseOnExec } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import { closeInherited } from '../inherited-descriptors.js'
import { CONTROL_FD, LIFELINE_FD, REPLAY_FD } from '../interpreter.js'
import { lookUpFrom } from '../lookup-folder.js'
import type { MemoryPolicy } from '../memory-policy.js'
import type { ForkMode } from '../mode.js'
import { preloadingFlags } from '../node-options.js'
import { areAllThreadsCopied, setThreads } from '../safety/all-threads.js'
import { recordBaseline } from '../safety/baseline.js'
import { setLateFlags } from '../safety/engine-flags.js'
import { installPid } from '../safety/identity.js'
import { lastingObstacle } from '../safety/lasting-obstacle.js'
import { armLifeline } from '../safety/lifeline.js'
import { setMemoryPolicy } from '../safety/memory-policy.js'
import { installRandomness } from '../safety/randomness.js'
import { recordThreads, startPool } from '../safety/threads.js'
import { rejectWorkersOnceForked } from '../safety/worker-threads.js'
import { OrderServer } from './order-server.js'
import { rehearse } from './rehearsal.js'
import { readInheritance } from './replacement.js'
import { setTitlePrefix } from './title.js'

export { runRehearsed } from './rehearsal.js'

/** Makes this interpreter take orders. Reads the arguments that `interpreter.ts` writes. */
export async function takeOrders(): Promise<void> {
  const [mode, threads, memory, name, folder, inherited, ...rest] = process.argv.splice(2) as [
    ForkMode,
    string,
    MemoryPolicy,
    string,
    string,
    string,
    ...string[],
  ]
  const isReplay = rest[0] === 'replay'
  closeInherited(inherited, isReplay)
  // An interpreter that takes the place of a process finds the descriptors at other numbers.
  const [control, lifeline, file] = rest.length > 1 ? rest.map(Number) : [CONTROL_FD, LIFELINE_FD]
  for (const fd of [control!, lifeline!, ...(isReplay ? [REPLAY_FD] : [])]) setCloseOnExec(fd, true)
  process.argv.length = 1
  setThreads(threads)
  setTitlePrefix(name)
  if (folder) lookUpFrom(() => folder) // this interpreter has a main module of its own
  if (!rest.length) binding.becomeSubreaper()
  if (mode !== 'exec' && !lastingObstacle()) {
    installPid()
    installRandomness()
    const isRehearsed = rehearse(new Descriptor(lifeline!))
    if (areAllThreadsCopied()) {
      await Promise.all([isRehearsed, startPool()])
    } else {
      rejectWorkersOnceForked()
      await Promise.all([isRehearsed, recordThreads()])
      setLateFlags()
    }
  }
  setMemoryPolicy(memory)
  const earlier = file === undefined ? undefined : readInheritance(new Descriptor(file))
  const armed = armLifeline({ shared: new Descriptor(lifeline!), own: undefined })
  binding.disarmLifeline(lifeline!) // the process that has started this one has armed it, for the time until now
  new OrderServer(new Descriptor(control!), armed, mode, 'exec', isReplay ? new Descriptor(REPLAY_FD) : earlier)
  recordBaseline({ mayHaveUsedStreams: preloadingFlags(process.execArgv, process.env).length > 0 })
}
