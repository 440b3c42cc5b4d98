import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { childrenOf, isSoak, PATIENCE_MS, runCommand } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { asFirstProcess, isPermitted } from './support/first-process.js'
import { type Block, docs, expectedLines, type Section, sectionsOf, top } from './support/markdown.js'

/** What Debian has. With ANYFORK_PEERS=required, it may not be missing. */
const required = process.env['ANYFORK_PEERS'] === 'required' ? ['AnyEvent', 'AnyEvent::Fork', 'IO::FDPass'] : []
const env = { PATH: [join(top, 'node_modules/.bin'), process.env['PATH']].join(delimiter) }
/** Tools that take seconds to start. Only the soak runs their commands. */
const slowTools = /\bnpx (?:tsx|tsc|vitest|jest|webpack)\b/
const languages = ['js', 'ts', 'json', 'sh', 'perl', 'dockerfile', 'ini']

for (const guide of ['FORK_SAFETY.md', 'MIGRATING.md', 'RECIPES.md']) {
  describe(`docs/${guide}`, () => {
    const sections = sectionsOf(readFileSync(join(docs, guide), 'utf8'))

    it('has only code blocks in languages that are tested', () => {
      const all = sections.flatMap(({ blocks }) => blocks.map(({ language }) => language))
      assert.deepEqual(
        all.filter(language => !languages.includes(language)),
        [],
      )
    })

    for (const section of sections) describe(section.title, () => testSection(section))
  })
}

/** A section has a folder of its own with all files that it shows. */
function testSection({ blocks }: Section): void {
  let folder: string
  const find = (name: RegExp): Block | undefined => blocks.find(({ file }) => file && name.test(file))

  before(() => {
    mkdirSync(join(docs, 'dist'), { recursive: true })
    folder = mkdtempSync(join(docs, 'dist/guide-')) // packages are found from there
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const { file, code } of blocks) if (file) writeFileSync(join(folder, file), code)
  })
  after(() => rmSync(folder, { recursive: true }))

  const old = find(/^before\.\w+$/)
  if (old) testPair(old, () => folder)

  const main = find(/^main\.js$/)
  const dockerfile = find(/^Dockerfile$/)
  if (main && dockerfile) testContainer(dockerfile, main, () => folder)
  else if (main)
    it('main.js prints what it says', async () => {
      assert.deepEqual(await linesOf([process.execPath, 'main.js'], folder), expectedLines(main.code))
    })

  const unit = find(/\.service$/)
  if (unit) testUnit(unit, () => folder)

  for (const { language, code } of blocks) {
    if (language !== 'sh') continue
    for (const line of code.trim().split('\n')) testCommand(line, () => folder)
  }
}

function testPair(old: Block, folder: () => string): void {
  const title = `after.js prints what ${old.file} prints`
  const missing = missingModules(old)
  if (missing.length) it.skip(`${title} (Perl has no ${missing.join(', ')} here)`)
  else
    it(title, async () => {
      const interpreter = old.language === 'perl' ? 'perl' : process.execPath
      const [printed, expected] = await Promise.all([
        linesOf([process.execPath, 'after.js'], folder()),
        linesOf([interpreter, old.file!], folder()),
      ])
      assert.notDeepEqual(expected, [''])
      assert.deepEqual(printed, expected)
    })
}

/** Returns the Perl modules that a program uses and this machine does not have. */
function missingModules({ language, code }: Block): string[] {
  if (language !== 'perl') return []
  return [...code.matchAll(/^use ([A-Z][\w:]+);$/gm)]
    .map(([, name]) => name!)
    .filter(name => !required.includes(name) && spawnSync('perl', [`-M${name}`, '-e', '']).status !== 0)
}

/** There is no Docker where tests run: its command runs as the first process of a pid namespace, if that is permitted. */
function testContainer({ code }: Block, main: Block, folder: () => string): void {
  it('Dockerfile has only known instructions, and copies from stages that exist', () => {
    const lines = code.split('\n').filter(line => line && !line.startsWith('#'))
    for (const line of lines) assert.match(line, /^(FROM|WORKDIR|COPY|RUN|USER|CMD) \S/)
    const stages = [...code.matchAll(/ AS (\w+)$/gm)].map(([, name]) => name)
    for (const [, stage] of code.matchAll(/--from=(\w+)/g)) assert.ok(stages.includes(stage), stage)
  })

  it(`its command ends in order after SIGTERM${isPermitted ? ' as PID 1' : ' (not as PID 1: no namespaces here)'}`, async () => {
    const command = JSON.parse(/^CMD (.*)$/m.exec(code)![1]!) as string[]
    assert.equal(command.shift(), 'node')
    const [file, ...args] = asFirstProcess([process.execPath, ...command])
    const child = spawn(file!, args, { cwd: folder(), stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS) // otherwise this loop would wait for ever
    const printed: string[] = []
    for await (const line of createInterface(child.stdout)) {
      printed.push(line)
      if (printed.length === 1) process.kill(isPermitted ? childrenOf(child.pid!)[0]! : child.pid!, 'SIGTERM')
    }
    assert.deepEqual(printed, expectedLines(main.code))
    assert.deepEqual(await ended, [0, null])
    clearTimeout(timer)
  })
}

function testUnit({ file, code }: Block, folder: () => string): void {
  it(`${file} consists of sections and assignments`, () => {
    for (const line of code.split('\n')) assert.match(line, /^$|^# |^\[[A-Z]\w+\]$|^[A-Z]\w+=\S/)
  })

  const title = `systemd-analyze finds no fault in ${file}`
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) it.skip(`${title} (it is not installed here)`)
  else
    it(title, async () => {
      const path = join(folder(), file!)
      writeFileSync(path, code.replace('/usr/bin/node', process.execPath))
      const { code: status, stdout, stderr } = await runCommand('systemd-analyze', ['verify', path])
      assert.deepEqual([status, stdout, stderr], [0, '', ''])
    })
}

/** Runs a line of a shell block. A comment `prints …` says what the last line of its output is. */
function testCommand(line: string, folder: () => string): void {
  const [command = '', comment = ''] = line.split(/\s+# /)
  const expected = /^prints (.*)/.exec(comment)?.[1]
  const title = `works: ${command}`
  if (/^node \S+\.ts\b/.test(command) && !stripsTypes()) {
    it.skip(`${title} (Node ${process.versions.node} does not strip types)`)
    return
  }
  if (!isSoak && slowTools.test(command)) {
    it.skip(`${title} (only in the soak)`)
    return
  }
  it(title, async () => {
    const local = command.replace('npx webpack', `node ${join(import.meta.dirname, 'support/webpack.js')}`)
    const outcome = await runCommand('sh', ['-c', local.replaceAll('npx ', '')], { cwd: folder(), env })
    assert.deepEqual([outcome.code, outcome.signal], [0, null], outcome.stdout + outcome.stderr)
    if (expected) assert.equal(outcome.stdout.trim().split('\n').at(-1), expected)
  })
}

function stripsTypes(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript)
}

/** Runs a command that must succeed. Returns the lines that it prints. */
async function linesOf([file, ...args]: string[], cwd: string): Promise<string[]> {
  const { code, signal, stdout, stderr } = await runCommand(file!, args, { cwd, env })
  assert.deepEqual([code, signal], [0, null], stdout + stderr)
  return stdout.trim().split('\n')
}
