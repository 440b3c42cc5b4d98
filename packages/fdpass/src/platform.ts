import { binding } from './binding.js'

/**
 * Whether the addons have the code for Linux. Otherwise they have the one for all other systems, which scripts/portable
 * also tests on Linux.
 */
export const isLinux: boolean = binding.isLinux === 1
