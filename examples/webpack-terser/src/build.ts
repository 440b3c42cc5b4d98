import { createRequire } from 'node:module'
import type TerserPlugin from 'terser-webpack-plugin'
import webpack, { type Stats } from 'webpack'

const require = createRequire(import.meta.url)

/** The packages that are bundled by default, each into a bundle of its own. */
export const packages: readonly string[] = [
  '@babel/generator',
  '@babel/parser',
  'acorn',
  'commander',
  'semver',
  'terser',
]

/**
 * Bundles packages with webpack, for production.
 *
 * @param output - the folder of the bundles; all that it had is removed
 * @param plugin - minifies the bundles
 * @param names - the packages
 * @throws Error if webpack reports errors
 */
export async function build(output: string, plugin: TerserPlugin, names: readonly string[] = packages): Promise<Stats> {
  const compiler = webpack({
    mode: 'production',
    target: 'node',
    devtool: 'source-map',
    context: import.meta.dirname,
    entry: Object.fromEntries(names.map(name => [name.replace('/', '-'), require.resolve(name)])),
    output: { path: output, clean: true, library: { type: 'commonjs2' } },
    optimization: { minimizer: [plugin] },
    performance: false,
    infrastructureLogging: { level: 'error' },
  })
  try {
    const stats = await new Promise<Stats>((resolve, reject) =>
      compiler.run((error, result) => (result ? resolve(result) : reject(error))),
    )
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }))
    return stats
  } finally {
    await new Promise<void>(resolve => compiler.close(() => resolve()))
  }
}
