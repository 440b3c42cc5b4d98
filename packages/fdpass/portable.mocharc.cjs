/** The suite of scripts/portable. Single tests that need Linux skip themselves. */
const reasons = {
  'async-owner': 'SIGIO for the readiness of sockets is that of Linux',
  'deferred-writer': 'it counts threads in /proc',
  'full-table': 'only Linux lets a message be looked at before it is received',
  musl: 'it is a C library for Linux',
  'python-peers': 'the kernel of Linux adds control messages',
  'receive-buffer': 'only Linux tells which pages are huge',
  systemd: 'it is for Linux',
}

module.exports = {
  ...require('../../.mocharc.json'),
  ignore: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
