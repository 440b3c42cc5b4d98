/**
 * The suite of forks with all threads. It repeats only the test files in which these can change the outcome: those of
 * forks, of their ends, and of what they share. In the repeated files, tests of what only forks with one thread do skip
 * themselves. `npm test` leaves out those that take longest, which the soak runs.
 */
const names = [
  'check',
  'concurrent-children',
  'exits',
  'fork-process',
  'forks-without-javascript',
  'hand-over',
  'hooks',
  'inherited-descriptors',
  'inspect',
  'kill-storm',
  'modes',
  'owner-killed',
  'refork',
  'resource-limits',
  'spare-forks',
  'web-assembly',
]

process.env.ANYFORK_THREADS = 'all'

module.exports = {
  ...require('../../.mocharc.json'),
  spec: names.map(name => `dist/test/${name}.test.js`),
}
