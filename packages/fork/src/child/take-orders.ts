import { Descriptor, setCloseOnExec } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import type { ForkMode } from '../mode.js'
import { recordBeginning } from '../safety/baseline.js'
import { refuseWorkersOnceForked } from '../safety/exits.js'
import { installPid } from '../safety/identity.js'
import { armLifeline } from '../safety/lifeline.js'
import { installRandomness } from '../safety/randomness.js'
import { recordThreads } from '../safety/threads.js'
import { Server } from './order-server.js'
import { setName } from './title.js'
import { rehearse } from './warm-up.js'

/** Where spawn.ts and fresh-copy.ts put them. */
const CONTROL = 3
const LIFELINE = 4
const REPLAY = 5

/** Makes this program one that takes orders. */
export async function takeOrders(): Promise<void> {
  const [mode, name, replay] = process.argv.splice(2) as [ForkMode, string, 'replay'?]
  const sockets = replay ? [CONTROL, LIFELINE, REPLAY] : [CONTROL, LIFELINE]
  for (const fd of sockets) setCloseOnExec(fd, true)
  process.argv.length = 1
  setName(name)
  if (!replay) binding.becomeSubreaper()
  if (mode !== 'exec') {
    installPid()
    installRandomness()
    refuseWorkersOnceForked()
    await Promise.all([rehearse(), recordThreads()])
  }
  const lifeline = armLifeline({ shared: new Descriptor(LIFELINE), own: undefined })
  new Server(new Descriptor(CONTROL), lifeline, mode, 'exec', replay && new Descriptor(REPLAY))
  recordBeginning()
}
