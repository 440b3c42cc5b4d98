/** The suite of scripts/portable: the test files in which the system can change the outcome. */
const reasons = {
  'close-and-destroy': 'processes end, and are killed',
  pool: 'workers are fresh interpreters',
  retries: 'workers end while calls are under way',
}

process.env.ANYFORK_MODE = 'exec'

module.exports = {
  ...require('../../.mocharc.json'),
  spec: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
