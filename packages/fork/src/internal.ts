/**
 * What the sister packages use, and what tests feed with random bytes. Not part of the documented API: it may change in
 * any release.
 */
export { canCopyAllThreads } from './copied-threads.js'
export { describeExit } from './errors.js'
export {
  type BegunRun,
  beginRun,
  exitOf,
  isRemote,
  likelyLimitOf,
  onRemote,
  provideModule,
  reasonOf,
} from './fork-process.js'
export { lookUpFolder, preferWorkingDirectory } from './lookup-folder.js'
export { aMemoryPolicy } from './memory-policy.js'
export { type FunctionReference, functionReference, resolveSpecifier } from './module-specifier.js'
export { killIfPermitted } from './owner/kill-if-permitted.js'
export { Spares } from './owner/spares.js'
export { obstacleInProc } from './proc.js'
export { bytesInStatus } from './process-status.js'
export { processorTimeOf } from './processor-time.js'
export { acceptedOrders, acceptedReports } from './protocol/frame.js'
export { FrameReader as ControlFrameReader } from './protocol/frame-reader.js'
export { acceptedFromRemote } from './protocol/remote-frames.js'
export { decodeEnded, decodeMade } from './protocol/reports.js'
export { checkRestrictions } from './restrictions.js'
export { closeAtThreadEnd } from './thread-end.js'
