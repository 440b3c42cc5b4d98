/**
 * The suite of mode exec, in which a template starts interpreters that replay its orders instead of forking itself. It
 * repeats only the test files in which this can change the outcome. In all others, the tested code is that of the owner or
 * of any process that carries out orders, which is the same in both modes, or it works only in a forked process.
 * modes.test.ts and exec-options.test.ts compare the modes with each other. In the repeated files, tests of what the owner or
 * the kernel does in the same way in both modes skip themselves. `npm test` leaves out those that start most interpreters,
 * which the soak runs.
 */
const reasons = {
  'fork-process':
    'arguments, exits, signals, and orphans of processes that are children of child_process in the template',
  'hand-over': 'the new owner of a template gives orders to be replayed',
  'kill-storm': 'processes are killed while they start or replay',
  'large-arguments': 'a replay must not block while it sends more than a socket buffer holds',
  'owner-killed': 'an interpreter inherits the lifeline by exec',
  refork: 'a copy of a running process replays the orders, but not the function',
  'resource-limits':
    'starting an interpreter takes more descriptors than a fork, and other errors tell that there are none',
  restrictions: 'the order of restrictions and other orders is the same in a replay',
  'working-directory': 'an interpreter starts in the folder where its template was started',
}

process.env.ANYFORK_MODE = 'exec'

module.exports = {
  ...require('../../.mocharc.json'),
  spec: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
