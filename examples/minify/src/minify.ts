import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import babel from '@babel/core'
import presetEnv from '@babel/preset-env'
import { minify as minifyWithTerser } from 'terser'

/** The sizes of a file before and after. */
export interface Minified {
  file: string
  bytesIn: number
  bytesOut: number
}

const presets: babel.PluginItem[] = [[presetEnv, { targets: 'defaults', bugfixes: true }]]

/**
 * Compiles a JavaScript file for old browsers with Babel, and minifies it with terser. Writes the result below the folder
 * that the environment variable MINIFY_OUTPUT names. Workers inherit the environment of their template.
 *
 * @param file - the path of the file
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
    parserOpts: { allowReturnOutsideFunction: true }, // valid in a CommonJS module
  })
  const { code } = await minifyWithTerser(transformed?.code ?? '', {
    module: file.endsWith('.mjs'),
    parse: { bare_returns: true },
  })
  const target = join(process.env['MINIFY_OUTPUT'] ?? 'minified', resolve(file))
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, code ?? '')
  return { file, bytesIn: Buffer.byteLength(source), bytesOut: Buffer.byteLength(code ?? '') }
}
