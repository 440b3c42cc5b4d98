import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import babel from '@babel/core'
import presetEnv from '@babel/preset-env'
import { minify as shorten } from 'terser'

/** What became of a file. */
export interface Minified {
  file: string
  bytesIn: number
  bytesOut: number
}

const presets: babel.PluginItem[] = [[presetEnv, { targets: 'defaults', bugfixes: true }]]

/**
 * Makes a file of JavaScript run in old browsers, and small, and writes it below
 * the folder that the environment variable MINIFY_OUTPUT names.
 *
 * @param file - its path
 */
export async function minify(file: string): Promise<Minified> {
  const source = await readFile(file, 'utf8')
  const transformed = await babel.transformAsync(source, {
    filename: file,
    presets,
    sourceType: 'unambiguous',
    babelrc: false,
    configFile: false,
    compact: false,
    parserOpts: { allowReturnOutsideFunction: true },
  })
  const { code } = await shorten(transformed?.code ?? '', {
    module: file.endsWith('.mjs'),
    parse: { bare_returns: true },
  })
  const target = join(process.env['MINIFY_OUTPUT'] ?? 'minified', resolve(file))
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, code ?? '')
  return { file, bytesIn: Buffer.byteLength(source), bytesOut: Buffer.byteLength(code ?? '') }
}
