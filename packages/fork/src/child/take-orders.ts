import { Descriptor, setCloseOnExec } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import { CONTROL_FD, LIFELINE_FD, REPLAY_FD } from '../interpreter.js'
import type { ForkMode } from '../mode.js'
import { recordBaseline } from '../safety/baseline.js'
import { rejectWorkersOnceForked } from '../safety/exits.js'
import { installPid } from '../safety/identity.js'
import { armLifeline } from '../safety/lifeline.js'
import { installRandomness } from '../safety/randomness.js'
import { recordThreads } from '../safety/threads.js'
import { OrderServer } from './order-server.js'
import { setTitlePrefix } from './title.js'
import { warmUp } from './warm-up.js'

/** Makes this interpreter take orders. Reads the arguments that `interpreter.ts` writes. */
export async function takeOrders(): Promise<void> {
  const [mode, name, replay] = process.argv.splice(2) as [ForkMode, string, 'replay'?]
  const sockets = replay ? [CONTROL_FD, LIFELINE_FD, REPLAY_FD] : [CONTROL_FD, LIFELINE_FD]
  for (const fd of sockets) setCloseOnExec(fd, true)
  process.argv.length = 1
  setTitlePrefix(name)
  if (!replay) binding.becomeSubreaper()
  if (mode !== 'exec') {
    installPid()
    installRandomness()
    rejectWorkersOnceForked()
    await Promise.all([warmUp(), recordThreads()])
  }
  const lifeline = armLifeline({ shared: new Descriptor(LIFELINE_FD), own: undefined })
  new OrderServer(new Descriptor(CONTROL_FD), lifeline, mode, 'exec', replay && new Descriptor(REPLAY_FD))
  recordBaseline()
}
