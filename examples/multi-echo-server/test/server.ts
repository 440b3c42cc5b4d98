import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { descendantsOf } from '@anyfork/test-support'

const main = fileURLToPath(new URL('../main.js', import.meta.url))

/** A running server. */
export interface Server {
  port: number
  /** Returns the pids of its workers. */
  workers(): number[]
  /** Stops it. Resolves with its last line, or with what it has written to standard error. */
  stop(): Promise<string>
}

const running = new Set<ChildProcess>()

/** Kills the servers that a test has not stopped. Call it after each test. */
export function killServers(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** @param openFiles - the limit of open descriptors of the server and of each worker */
export async function startServer(args: readonly string[], openFiles?: number): Promise<Server> {
  const command = [process.execPath, main, '--port', '0', ...args]
  const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles};`
  const child = spawn('sh', ['-c', `${limit} exec "$@"`, 'sh', ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.once('close', () => running.delete(child))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const lines: string[] = []
  const output = createInterface(child.stdout).on('line', line => lines.push(line))
  const ended = once(child, 'close')
  await Promise.race([once(output, 'line'), ended])
  const port = Number(/\d+$/.exec(lines[0] ?? '')?.[0])
  if (!port) throw new Error(`the server has not started: ${errors}`)
  return {
    port,
    workers: () => workersOf(child),
    async stop() {
      child.kill('SIGTERM')
      await ended
      return errors || lines.at(-1)!
    },
  }
}

/** A process that is a template has that word in its title. */
function workersOf({ pid }: ChildProcess): number[] {
  const isWorker = (one: number): boolean => {
    try {
      return readFileSync(`/proc/${one}/cmdline`, 'utf8').startsWith('multi-echo serve')
    } catch {
      return false // it has just ended
    }
  }
  return descendantsOf(pid!).flatMap(one => (!one.isZombie && isWorker(one.pid) ? [one.pid] : []))
}
