import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, delimiter, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { PATIENCE_MS } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { type Block, codeBlocks, commandsOf, docs, expectedLines, markdownFiles, top } from './support/markdown.js'

const run = promisify(execFile)
/** Their programs consist of several files. guides.test.ts runs them. */
const guides = ['FORK_SAFETY.md', 'MIGRATING.md', 'RECIPES.md']

for (const readme of markdownFiles().filter(path => !guides.includes(basename(path)))) {
  const blocks = codeBlocks(readFileSync(readme, 'utf8'))
  if (!blocks.length) continue

  describe(relative(top, readme), () => {
    let folder: string

    before(() => {
      folder = mkdtempSync(join(docs, 'dist/readme-')) // from where the packages are found
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
      for (const { code, file } of blocks) if (file) writeFileSync(join(folder, file), code)
    })
    after(() => rmSync(folder, { recursive: true }))

    for (const [i, block] of blocks.entries()) {
      if (block.language === 'js' && !block.file?.endsWith('worker.js')) {
        it(`prints what it says: ${title(block)}`, async () => {
          const file = block.file ?? `block-${i}.js`
          writeFileSync(join(folder, file), block.code)
          const { stdout } = await run(process.execPath, [file], { cwd: folder, timeout: PATIENCE_MS })
          assert.deepEqual(stdout.trim().split('\n'), expectedLines(block.code))
        })
      }
      if (block.language !== 'sh') continue
      for (const line of commandsOf(block)) {
        it(`has a command that works: ${line}`, () => checkCommand(line, folder, dirname(readme)))
      }
    }

    it('has only code blocks that are tested, or drawings', () => {
      for (const { language } of blocks) assert.ok(['js', 'sh', 'text'].includes(language), language)
    })
  })
}

function title({ file, code }: Block): string {
  return file ?? code.split('\n')[0]!
}

/** npm's commands are looked up, because this test is one of those; others are run. */
async function checkCommand(line: string, folder: string, home: string): Promise<void> {
  for (const command of line.split('&&').map(part => part.trim())) {
    const [, script] =
      /^(?:[A-Z]+=\S+ )?npm (?:run )?(start|test|bench|hooks|lint|consume|produce)\b/.exec(command) ?? []
    if (script) {
      assert.ok(scriptsOf(home)[script] ?? scriptsOf(top)[script], `there is no script ${script}`)
      const workspace = /--workspace (\S+)/.exec(command)?.[1]
      if (workspace) assert.ok(existsSync(join(top, 'node_modules', workspace)), `there is no workspace ${workspace}`)
    } else if (/^npm (ci|install @anyfork\/[\w-]+)$/.test(command)) {
      assert.equal(
        JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).name,
        command.split(' ')[2] ?? 'anyfork',
      )
    } else {
      await runCommand(
        command
          .replace(/^find .*?\| /, 'printf "x.js\\n" | ')
          .replace('./dist/minify.js#minify', 'node:path#basename')
          .replace(/npx @anyfork\/([\w-]+)/, (_, name) => commandOf(name)),
        folder,
      )
    }
  }
}

async function runCommand(command: string, folder: string): Promise<void> {
  const path = [join(top, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const { stdout } = await run('sh', ['-c', command], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    timeout: PATIENCE_MS,
  })
  assert.notEqual(stdout, '')
}

/** Returns the command that npx runs for a package: the only one that it has. */
function commandOf(name: string): string {
  const { bin } = JSON.parse(readFileSync(join(top, 'packages', name, 'package.json'), 'utf8'))
  return Object.keys(bin)[0]!
}

function scriptsOf(folder: string): Record<string, string> {
  const manifest = join(folder, 'package.json')
  return existsSync(manifest) ? (JSON.parse(readFileSync(manifest, 'utf8')).scripts ?? {}) : {}
}
