/** The suite of scripts/portable. */
const reasons = {
  'full-table': 'only Linux lets a message be looked at before it is received',
}

module.exports = {
  ...require('../../.mocharc.json'),
  ignore: Object.keys(reasons).map(name => `dist/test/${name}.test.js`),
}
