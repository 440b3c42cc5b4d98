import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { PATIENCE_MS } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { type Block, commandsOf, docs, expectedLines, type Section, sectionsOf, top } from './support/markdown.js'

const run = promisify(execFile)
/** With ANYFORK_PEERS=required, what Debian has must be there: a skipped test is then a failure. */
const required = process.env['ANYFORK_PEERS'] === 'required' ? ['AnyEvent', 'AnyEvent::Fork', 'IO::FDPass'] : []
const languages = ['js', 'ts', 'json', 'sh', 'perl', 'dockerfile', 'ini']

for (const guide of ['MIGRATING.md']) {
  describe(`docs/${guide}`, () => {
    const sections = sectionsOf(readFileSync(join(docs, guide), 'utf8'))

    it('has only code blocks in languages that are tested', () => {
      for (const { language } of sections.flatMap(({ blocks }) => blocks))
        assert.ok(languages.includes(language), language)
    })

    for (const section of sections) describe(section.title, () => testSection(section))
  })
}

/** A section has a folder of its own, with all files that it names. */
function testSection({ blocks }: Section): void {
  let folder: string
  const codeOf = (file: string): string | undefined => blocks.find(block => block.file === file)?.code

  before(() => {
    mkdirSync(join(docs, 'dist'), { recursive: true })
    folder = mkdtempSync(join(docs, 'dist/guide-')) // from where the packages are found
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const { file, code } of blocks) if (file) writeFileSync(join(folder, file), code)
  })
  after(() => rmSync(folder, { recursive: true }))

  const old = blocks.find(({ file }) => /^before\.\w+$/.test(file ?? ''))
  if (old) {
    const missing = missingModules(old)
    const title = `after.js prints what ${old.file} prints`
    if (missing.length) it.skip(`${title} (this machine lacks ${missing.join(', ')})`)
    else
      it(title, async () => {
        const interpreter = old.language === 'perl' ? 'perl' : process.execPath
        const [printed, expected] = await Promise.all([
          outputOf(process.execPath, ['after.js'], folder),
          outputOf(interpreter, [old.file!], folder),
        ])
        assert.notEqual(expected, '')
        assert.equal(printed, expected)
      })
  }

  for (const { language, file, code } of blocks) {
    if (language !== 'js' || (file && file !== 'main.js')) continue
    it(`prints what it says: ${file ?? code.split('\n')[0]}`, async () => {
      const program = file ?? 'unnamed.js'
      writeFileSync(join(folder, program), code)
      const stdout = await outputOf(process.execPath, [program], folder)
      assert.deepEqual(stdout.trim().split('\n'), expectedLines(code))
    })
  }
  void codeOf
}

/** Returns the Perl modules that a program uses and this machine does not have. */
function missingModules({ language, code }: Block): string[] {
  if (language !== 'perl') return []
  return [...code.matchAll(/^use ([A-Z][\w:]+);$/gm)]
    .map(([, name]) => name!)
    .filter(name => !required.includes(name) && spawnSync('perl', [`-M${name}`, '-e', '']).status !== 0)
}

async function outputOf(command: string, args: string[], cwd: string): Promise<string> {
  const path = [join(top, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const env = { ...process.env, PATH: path }
  const { stdout } = await run(command, args, { cwd, env, timeout: PATIENCE_MS })
  return stdout
}
void existsSync
void commandsOf
