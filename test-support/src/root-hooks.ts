import { openSpareDescriptor } from './leftovers.js'

/** The hooks of every run of mocha: `.mocharc.json` requires this module. */
export const mochaHooks: { beforeAll: () => Promise<void> } = {
  // libuv keeps its spare descriptor open: it must not appear between two counts of a test.
  beforeAll: openSpareDescriptor,
}
