import assert from 'node:assert/strict'
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from '@anyfork/test-support'
import { afterEach } from 'mocha'

export const program: string = fileURLToPath(new URL('../../../bin/fork-pool.js', import.meta.url))
export const worker: string = fileURLToPath(new URL('../fixtures/worker.js', import.meta.url))

/** How the program has ended, and what it has written. */
export interface Outcome {
  code: number
  stdout: string
  /** Without the frames of stacks. */
  stderr: string
}

/** Runs the program to its end. */
export async function forkPool(args: string[], stdin: string | Buffer = '', cwd = process.cwd()): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { cwd })
  const outcome = outcomeOf(child)
  child.stdin.end(stdin)
  return outcome
}

/** Returns the inputs that the program reads, as `--dry-run` prints them: as JSON. It starts no worker, which costs little. */
export async function inputsOf(args: string[], stdin: string | Buffer = ''): Promise<string[]> {
  const { code, stdout, stderr } = await forkPool(['--dry-run', 'some-package', ...args], stdin)
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  return stdout
    .split('\n')
    .filter(line => line)
    .map(line => /^some-package#default\((.*)\)$/s.exec(line)![1]!)
}

/** Waits until a started program ends. */
export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code: code as number, stdout, stderr: stderr.replace(/^ {4}at .*\n/gm, '') }
}

/**
 * Lets a suite start the program with its standard input open. Kills it after the test.
 *
 * @returns `start`, and the list of the started programs, to which tests may add others
 */
export function useForkPool(): {
  started: ChildProcess[]
  start(...args: string[]): ChildProcessWithoutNullStreams
} {
  const started: ChildProcess[] = []
  afterEach(() => started.splice(0).forEach(child => void child.kill('SIGKILL')))
  const start = (...args: string[]): ChildProcessWithoutNullStreams => {
    const child = spawn(process.execPath, [program, ...args])
    started.push(child)
    return child
  }
  return { started, start }
}

/**
 * Sends SIGINT, and again when the first has been delivered: the kernel merges signals that are pending.
 *
 * @param pause - how long to wait in between, in milliseconds; by default, so long that they are two presses of Ctrl-C
 */
export async function interruptTwice(pid: number, pause = 700): Promise<void> {
  process.kill(pid, 'SIGINT')
  await setTimeout(pause)
  await until(
    () => (BigInt(`0x${/^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]}`) & 2n) === 0n,
  )
  process.kill(pid, 'SIGINT')
}
