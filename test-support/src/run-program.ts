import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { PATIENCE_MS } from './patience.js'

export interface RunOptions {
  /** @default the folder of the tests */
  cwd?: string
  /** Added to the environment of the tests. */
  env?: NodeJS.ProcessEnv
  /** The user to run as. */
  uid?: number
  gid?: number
  /** The limit of open descriptors, as `ulimit -n`. */
  openFiles?: number
}

/** How a program has ended, and all that it has written. */
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
 * @param options - and `nodeFlags`, the flags of the interpreter
 * @throws Error if the program runs for longer than `PATIENCE_MS`, with its output; it is killed
 */
export function runProgram(
  program: URL | string,
  args: readonly string[] = [],
  { nodeFlags = [], ...options }: RunOptions & { nodeFlags?: readonly string[] } = {},
): Promise<Outcome> {
  const start = typeof program === 'string' ? ['--input-type=module', '-e', program, '--'] : [fileURLToPath(program)]
  return runCommand(process.execPath, [...nodeFlags, ...start, ...args], options)
}

/** As `runProgram`. Fails unless the program exits with code 0. Returns its standard output. */
export async function outputOf(...args: Parameters<typeof runProgram>): Promise<string> {
  const { stdout, ...ending } = await runProgram(...args)
  const { code, signal, stderr } = ending
  assert.deepEqual([code, signal], [0, null], `${stdout}${stderr}`)
  return stdout
}

/** As `runProgram`, for any command. */
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
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    child.kill('SIGKILL')
    // A descendant that holds the other ends would keep the pipes open.
    child.stdout.destroy()
    child.stderr.destroy()
  }, PATIENCE_MS)
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    if (isLate) throw new Error(`has not ended within ${PATIENCE_MS} ms: ${command}\n${output.stdout}${output.stderr}`)
    return { code, signal, ...output }
  } finally {
    clearTimeout(timer)
  }
}
