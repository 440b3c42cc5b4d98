import TerserPlugin from 'terser-webpack-plugin'

/** The type of the plugin's option `minify`. */
export type Minify = (
  ...args: Parameters<typeof TerserPlugin.terserMinify>
) => ReturnType<typeof TerserPlugin.terserMinify>

/** Does what the plugin does in its own workers. Workers of the pool run it. */
export const minify: Minify = (...args) => TerserPlugin.terserMinify(...args)

/**
 * Loads terser, which the plugin does only at the first use. The template runs this once, so that all workers have terser
 * loaded.
 */
export const load = async (): Promise<void> => {
  await TerserPlugin.terserMinify({ 'a.js': 'let a = 1' }, undefined, {}, undefined)
}
