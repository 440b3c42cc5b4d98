import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { isSoak, runCommand } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { docs, top } from './support/markdown.js'

const env = { PATH: [join(top, 'node_modules/.bin'), process.env['PATH']].join(delimiter) }

const main = `
  import { ForkProcess, pool } from '@anyfork/fork-pool'
  export const square = pool(ForkProcess.create(), new URL('./worker.js', import.meta.url), 'square')`

const webpackConfig = `
  export default {
    mode: 'development',
    target: 'node20',
    entry: './main.js',
    experiments: { outputModule: true },
    output: { path: import.meta.dirname + '/dist', filename: 'main.js', library: { type: 'module' } },
  }`
const webpack = `
  import webpack from 'webpack'
  import config from './webpack.config.js'
  webpack(config, error => { if (error) throw error })`

/** The commands that put everything into a bundle, and the bundle. */
const bundlers: Record<string, readonly [command: string, bundle: string]> = {
  'esbuild (ES module)': ['esbuild main.js --bundle --platform=node --format=esm --outdir=dist', 'dist/main.js'],
  'esbuild (CommonJS)': ['esbuild main.js --bundle --platform=node --outfile=dist/main.cjs', 'dist/main.cjs'],
  rolldown: ['rolldown main.js --platform node --dir dist', 'dist/main.js'],
  webpack: ['node webpack.js', 'dist/main.js'],
  ncc: ['ncc build main.js --out dist', 'dist/index.js'],
}

describe('a bundle that contains the packages', () => {
  let folder: string

  before(() => {
    mkdirSync(join(docs, 'dist'), { recursive: true })
    folder = mkdtempSync(join(docs, 'dist/bundled-')) // packages are found from there
    const files = { 'main.js': main, 'worker.js': 'export const square = n => n * n', 'webpack.js': webpack }
    for (const [name, text] of Object.entries({ ...files, 'webpack.config.js': webpackConfig }))
      writeFileSync(join(folder, name), text)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const [bundler, [command, bundle]] of Object.entries(bundlers)) {
    const isSlow = command.startsWith('ncc') || command.includes('webpack')
    const test = isSlow && !isSoak ? it.skip : it
    test(`made by ${bundler} throws ERR_BUNDLED, which says how to keep the packages out of it`, async () => {
      rmSync(join(folder, 'dist'), { recursive: true, force: true })
      const made = await runCommand('sh', ['-c', command], { cwd: folder, env })
      assert.equal(made.code, 0, made.stdout + made.stderr)
      const { code, stderr } = await runCommand(process.execPath, [bundle], { cwd: folder })
      assert.equal(code, 1)
      assert.match(stderr, /'ERR_BUNDLED'/)
      for (const line of ['--external:@anyfork/*', 'externals: /^@anyfork', '--external @anyfork/fork-pool'])
        assert.ok(stderr.includes(line), `${line} is missing in ${stderr}`)
    })
  }
})
