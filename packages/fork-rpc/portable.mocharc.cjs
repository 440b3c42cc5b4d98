/** The suite of scripts/portable: the test files in which the system can change the outcome. */
const reasons = {
  descriptors: 'descriptors come with values',
  'first-descriptor': 'descriptors come before the process serves',
  'init-and-done': 'processes begin and end',
  'kill-on-abort': 'a process is killed by its pid',
  'lost-buffers': 'a process ends while values are under way',
  'process-exit': 'the end of a process is learnt from its parent or its socket',
  run: 'functions of interpreters that have replayed orders are called',
  'sent-ahead': 'there is no memory that processes share',
  'streamed-results': 'back pressure comes from sockets',
}

process.env.ANYFORK_MODE = 'exec'

module.exports = {
  ...require('../../.mocharc.json'),
  spec: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
