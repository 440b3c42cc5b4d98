import TerserPlugin from 'terser-webpack-plugin'

/** What the plugin takes as a minifier. */
export type Minify = (
  ...args: Parameters<typeof TerserPlugin.terserMinify>
) => ReturnType<typeof TerserPlugin.terserMinify>

/** What the plugin does in its own workers, with what it hands to them. */
export const minify: Minify = (...args) => TerserPlugin.terserMinify(...args)

/** For the template: terser is loaded at its first use, and then the workers have it. */
export const load = async (): Promise<void> => {
  await TerserPlugin.terserMinify({ 'a.js': 'let a = 1' }, undefined, {}, undefined)
}
