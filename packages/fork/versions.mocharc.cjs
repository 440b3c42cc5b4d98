/**
 * The suite of .ci/run on other versions of Node: the test files whose outcome depends most on Node itself, on libuv, or on V8.
 * The workflow runs the whole suite on all versions.
 */
const reasons = {
  addons: 'Node loads addons',
  'all-threads': 'copied threads are those of libuv and V8',
  'clone-check': 'the format is that of the serialiser of V8',
  'collect-before-fork': 'V8 collects garbage',
  exits: 'Node ends in many ways',
  'forks-without-javascript': 'libuv must not have a request under way',
  inspect: 'the inspector has a thread and a port',
  'live-children': 'the event loop of a child is a new one of libuv',
  modes: 'Node has flags of its own',
  permissions: 'the names of permissions differ',
  refork: 'V8 has a larger heap in a process that has run',
  'spare-forks': 'a process waits after its fork',
  'web-assembly': 'V8 compiles in threads',
  'worker-thread-owner': 'worker threads end in many ways',
}

module.exports = {
  ...require('../../.mocharc.json'),
  spec: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
