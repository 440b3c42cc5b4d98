import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import Table from 'cli-table3'
import { Command } from 'commander'
import type { CheckReport, Severity } from './check-report.js'
import { counted } from './counted.js'
import { ForkProcess } from './fork-process.js'
import { preferWorkingDirectory } from './lookup-folder.js'

/**
 * What the doctor found: the report of `check()`, and the result of a test fork. `canFork` says whether that succeeded.
 */
export interface Diagnosis extends CheckReport {
  modules: string[]
  fork: { milliseconds: number } | { code: string | undefined; message: string }
}

const signs: Record<Severity, string> = { blocks: '✖ blocks', warns: '▲ warns', notes: '· notes' }

/** Runs the program `anyfork-fork`. The exit status is 1 if the test fork failed or a module cannot be loaded. */
export async function main(argv: readonly string[]): Promise<void> {
  preferWorkingDirectory()
  const program = new Command('anyfork-fork').description(
    'Tools for templates, the processes from which @anyfork/fork forks others.',
  )
  program
    .command('doctor')
    .description(
      'Load modules in a template, report what prevents forks or would be shared by all children, and try a fork.',
    )
    .argument('<modules...>', 'files, or names of packages')
    .option('--json', 'print the whole report as JSON')
    .action(doctor)
  await program.parseAsync(argv)
}

async function doctor(modules: string[], { json }: { json?: boolean }): Promise<void> {
  const template = ForkProcess.exec({ mode: 'fork', stdio: ['ignore', 2, 2] }) // only the report goes to standard output
  try {
    const diagnosis = await diagnose(template, modules)
    process.stdout.write(json ? `${JSON.stringify(diagnosis, null, 2)}\n` : toText(diagnosis))
    if (!diagnosis.canFork) process.exitCode = 1
  } catch (error) {
    process.stderr.write(`anyfork-fork: ${(error as Error).message}\n`)
    process.exitCode = 1
  } finally {
    template.kill('SIGKILL') // it may not end by itself, depending on what was loaded
    await template.exited
  }
}

async function diagnose(template: ForkProcess, modules: readonly string[]): Promise<Diagnosis> {
  const report = await template.require(...modules.map(moduleAt)).check()
  const started = performance.now()
  try {
    await template.fork().ready()
    const fork = { milliseconds: performance.now() - started }
    return { modules: [...modules], ...report, canFork: true, fork }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { modules: [...modules], ...report, canFork: false, fork: { code, message } }
  }
}

function toText({ modules, findings, fork }: Diagnosis): string {
  const lines = [`${modules.join(', ')}: ${findings.length ? counted(findings.length, 'finding') : 'nothing found'}`]
  if (findings.length) {
    const table = new Table({
      head: ['', 'what', 'why', 'advice'],
      colWidths: [10, 24, 48, 40],
      wordWrap: true,
      style: { head: [], border: [] },
    })
    for (const { severity, topic, subject, text, advice } of findings)
      table.push([signs[severity], `${topic} ${subject}`, text, advice])
    lines.push(table.toString())
  }
  lines.push(
    'milliseconds' in fork
      ? `A test fork succeeded (${fork.milliseconds.toFixed(1)} ms).`
      : `A test fork failed: ${fork.message}\nIn mode 'auto', the default, processes are fresh interpreters instead: they start more slowly and share no memory.`,
  )
  return `${lines.join('\n')}\n`
}

/** Returns the URL of a file if there is one, else the name of a package. */
function moduleAt(target: string): string | URL {
  if (target.startsWith('file:')) return new URL(target)
  return existsSync(target) || /^\.{0,2}\//.test(target) ? pathToFileURL(target) : target
}
