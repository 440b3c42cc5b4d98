/**
 * The suite of scripts/portable: that of mode exec, and what differs between systems. The other test files concern real
 * forks, or are the same everywhere. Single tests that need Linux skip themselves.
 */
const { spec } = require('./exec.mocharc.cjs')

const left = {
  'resource-limits': 'only Linux lets a message stay in the queue that does not fit in the table of descriptors',
  restrictions: 'it reads in /proc what was restricted',
}
const added = {
  portable: 'what other systems do instead',
  'inherited-descriptors': 'the list of descriptors comes from /dev/fd',
  'native-signal': 'a process is signalled by its pid',
  'own-interpreter': 'which interpreter is started',
}
const file = name => `dist/test/${name}.test.js`

module.exports = {
  ...require('../../.mocharc.json'),
  spec: [...new Set([...spec, ...Object.keys(added).map(file)])].filter(
    one => !Object.keys(left).map(file).includes(one),
  ),
}
