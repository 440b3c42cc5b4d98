export { collectGarbage } from './collect-garbage.js'
export { fillDescriptorTable } from './full-table.js'
export {
  assertNothingLeft,
  openDescriptors,
  openResources,
  openSpareDescriptor,
  type Resources,
  resourcesAfter,
} from './leftovers.js'
export { findNewSockets, findOwnSocket } from './own-socket.js'
export { PATIENCE_MS, until } from './patience.js'
export { childrenOf, descendantsOf, isRunning, letterOf, untilGone } from './processes.js'
export { fuzz, Random } from './random.js'
export { type Outcome, outputOf, type RunOptions, runCommand, runProgram } from './run-program.js'
export { isSoak } from './soak.js'
export { hasSshServer, SshServer } from './ssh-server.js'
export { taggedPipe, tagOf } from './tagged-pipe.js'
