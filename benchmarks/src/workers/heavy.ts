import '@babel/core'
import '@babel/preset-env'
import 'terser'

export { hello } from './bare.js'
