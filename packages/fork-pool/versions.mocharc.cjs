/**
 * The suite of .ci/run on other versions of Node: the test files whose outcome depends most on Node itself, on libuv, or on V8.
 * The workflow runs the whole suite on all versions.
 */
const reasons = {
  'cli-interruption': 'Node handles signals and terminals',
  pool: 'all of a pool works',
  prefork: 'servers of Node differ',
  'prefork-drain': 'servers of Node close connections in other ways',
  'program-as-template': 'the program itself is forked, with all threads',
  refork: 'V8 has a larger heap in a process that has run',
}

module.exports = {
  ...require('../../.mocharc.json'),
  spec: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
