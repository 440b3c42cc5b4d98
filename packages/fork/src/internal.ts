/** What the sister packages use. Not part of the documented API: it may change in any release. */
export { describeExit } from './errors.js'
export { exitOf, likelyLimitOf, reasonOf } from './fork-process.js'
export { type FunctionReference, functionReference, resolveSpecifier } from './module-specifier.js'
export { processorTimeOf } from './processor-time.js'
export { lookUpFolder, preferWorkingDirectory } from './program-folder.js'
export { checkRestrictions } from './restrictions.js'
export { closeAtThreadEnd } from './thread-end.js'
