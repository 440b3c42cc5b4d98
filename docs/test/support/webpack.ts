// Does what webpack-cli does with webpack.config.js, without its dependencies.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import webpack from 'webpack'

const { default: config } = await import(pathToFileURL(join(process.cwd(), 'webpack.config.js')).href)
webpack(config, (error, stats) => {
  if (error) throw error
  if (stats!.hasErrors() || stats!.hasWarnings()) throw new Error(stats!.toString())
})
