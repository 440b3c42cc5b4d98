/**
 * What @anyfork/fork-rpc uses in the code that workers load. Nothing here may import code of the owner: it would be loaded
 * into every template. Not part of the documented API: it may change in any release.
 */
export { afterFork, beforeFork } from '../fork-hooks.js'
export { resolveSpecifier } from '../module-specifier.js'
export { bytesInStatus } from '../process-status.js'
export { LATE_FLAGS } from '../safety/engine-flags.js'
export { reduceMemory } from '../safety/garbage.js'
export { growthToReduce, setMemoryPolicy } from '../safety/memory-policy.js'
export { hasUnwrittenOutput, outputWritten } from '../safety/output.js'
export { closeAtThreadEnd } from '../thread-end.js'
export { loadFunction, loadModule } from './modules.js'
