import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PATIENCE_MS } from './patience.js'

/** Options of `runProgram` and `runCommand`. */
export interface RunOptions {
  /**
   * The working directory.
   *
   * @default that of the test process
   */
  cwd?: string
  /** Variables to add to the environment of the test process. */
  env?: NodeJS.ProcessEnv
  /** The id of the user to run as. Requires root. */
  uid?: number
  /** The id of the group to run as. Requires root. */
  gid?: number
  /** The limit of open descriptors, as `ulimit -n` sets it. */
  openFiles?: number
}

/** How a program has ended, and its output. */
export interface Outcome {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/**
 * Runs a Node.js program to its end.
 *
 * @param program - the file of the program, or the source text of an ES module
 * @param args - the arguments of the program
 * @param options - `nodeFlags` are the flags of the interpreter
 * @throws Error with the output so far if the program runs for longer than `PATIENCE_MS`; the program is killed
 */
export function runProgram(
  program: URL | string,
  args: readonly string[] = [],
  { nodeFlags = [], ...options }: RunOptions & { nodeFlags?: readonly string[] } = {},
): Promise<Outcome> {
  const start = typeof program === 'string' ? ['--input-type=module', '-e', program, '--'] : [fileURLToPath(program)]
  return runCommand(process.execPath, [...nodeFlags, ...start, ...args], options)
}

/** Runs a program as `runProgram` does, and returns its standard output. Fails unless the program exits with code 0. */
export async function outputOf(...args: Parameters<typeof runProgram>): Promise<string> {
  const { stdout, ...ending } = await runProgram(...args)
  const { code, signal, stderr } = ending
  assert.deepEqual([code, signal], [0, null], `${stdout}${stderr}`)
  return stdout
}

/** Runs any command as `runProgram` runs a program. */
export async function runCommand(
  command: string,
  args: readonly string[],
  { openFiles, env, ...options }: RunOptions = {},
): Promise<Outcome> {
  const [file, ...rest] =
    openFiles === undefined
      ? [command, ...args]
      : ['sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, command, ...args]
  const child = spawn(file!, rest, {
    ...options,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (piece: string) => (output[name] += piece))
  let hasTimedOut = false
  const timer = setTimeout(() => {
    hasTimedOut = true
    child.kill('SIGKILL')
    // A descendant may hold the other ends, which would keep the pipes open.
    child.stdout.destroy()
    child.stderr.destroy()
  }, PATIENCE_MS)
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    if (hasTimedOut)
      throw new Error(`${command} did not end within ${PATIENCE_MS} ms:\n${output.stdout}${output.stderr}`)
    return { code, signal, ...output }
  } finally {
    clearTimeout(timer)
  }
}
