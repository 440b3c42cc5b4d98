/**
 * The suite of .ci/run on other versions of Node: the test files whose outcome depends most on Node itself, on libuv, or on V8.
 * The workflow runs the whole suite on all versions.
 */
const reasons = {
  'async-context': 'Node keeps the context of a call',
  errors: 'errors have stacks and properties of V8',
  'exit-matrix': 'Node ends in many ways',
  'exit-with-threads': 'Node waits for threads of V8 when it ends',
  'first-descriptor': 'sockets of Node receive descriptors',
  'garbage-collection': 'V8 collects what is no longer used',
  'memory-policy': 'V8 takes other flags, and gives memory back in another way',
  'process-exit': 'Node reports the end of a process',
  'streamed-results': 'streams of Node differ',
  'value-kinds': 'the serialiser of V8 knows other kinds',
  values: 'values are those of the language',
  'worker-threads': 'worker threads end in many ways',
}

module.exports = {
  ...require('../../.mocharc.json'),
  spec: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
