import { fchmodSync } from 'node:fs'
import { Descriptor, setCloseOnExec } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import { refuseWorkersOnceForked } from './exits.js'
import { installPid } from './identity.js'
import { armLifeline } from './lifeline.js'
import { installRandomness } from './randomness.js'
import { rehearse } from './rehearsal.js'
import { Server } from './server.js'
import { recordThreads } from './threads.js'

/** Where spawn.ts puts them. */
const CONTROL = 3
const LIFELINE = 4

for (const fd of [CONTROL, LIFELINE]) setCloseOnExec(fd, true)
fchmodSync(LIFELINE, 0o444) // forks open it anew, also as another user
process.argv.length = 1
process.title = 'anyfork template'
installPid()
installRandomness()
refuseWorkersOnceForked()
binding.becomeSubreaper()
await Promise.all([rehearse(), recordThreads()])
new Server(new Descriptor(CONTROL), armLifeline({ shared: new Descriptor(LIFELINE), own: undefined }))
