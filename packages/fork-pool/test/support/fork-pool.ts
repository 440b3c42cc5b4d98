import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { until } from '@anyfork/test-support'
import { afterEach } from 'mocha'

export const program: string = fileURLToPath(new URL('../../../bin/fork-pool.js', import.meta.url))
export const worker: string = fileURLToPath(new URL('../fixtures/worker.js', import.meta.url))

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

export async function forkPool(args: string[], stdin: string | Buffer = '', cwd = process.cwd()): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { cwd })
  const outcome = outcomeOf(child)
  child.stdin.end(stdin)
  return outcome
}

export async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code: code as number, stdout, stderr }
}

/** Gives a suite a function that starts the program with its standard input open; it ends with the test. */
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

/** Whether a process below has used processor time: it is in its endless loop. */
export function isBusy(leader: number): boolean {
  return readdirSync('/proc').some(name => {
    if (!/^\d+$/.test(name)) return false
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      return (
        fields[2] === `${leader}` &&
        Number(name) !== leader &&
        readFileSync(`/proc/${name}/comm`, 'utf8').startsWith('anyfork serve') &&
        Number(fields[11]) > 10
      )
    } catch {
      return false
    }
  })
}

/** The second comes when the first has been delivered: while one is pending, another is none. */
export async function interruptTwice(pid: number): Promise<void> {
  process.kill(pid, 'SIGINT')
  await until(
    () => (BigInt(`0x${/^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]}`) & 2n) === 0n,
  )
  process.kill(pid, 'SIGINT')
}
