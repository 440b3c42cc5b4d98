import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Metrics, Setting, Subject } from './benchmark.js'

const SAMPLE_MAIN = fileURLToPath(new URL('./sample-main.js', import.meta.url))

/**
 * Makes one measurement in a process of its own, so that no subject suffers from
 * the one before. The process leads a group, which is killed whatever happens.
 *
 * @param file - URL of the module whose `benchmark` is asked
 * @param timeoutMs - how long it may take, in milliseconds
 * @throws Error when there is no result, with the last line that was written to standard error
 */
export async function takeSample(
  file: string,
  { name }: Subject,
  setting: Setting,
  { isQuick, timeoutMs }: { isQuick: boolean; timeoutMs: number },
): Promise<Metrics> {
  const pinned = setting['cpus'] === 'one' ? ['taskset', '-c', `${firstCpu()}`] : []
  const [command, ...args] = [...pinned, process.execPath, SAMPLE_MAIN, JSON.stringify([file, name, setting, isQuick])]
  const leader = spawn(command!, args, {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: environment(),
  })
  const ended = once(leader, 'exit')
  if (leader.pid === undefined) await ended // rejects with why it could not be started
  const kill = (): void => killGroup(leader.pid!)
  const release = killAtExit(kill)
  const timeout = globalThis.setTimeout(kill, timeoutMs)
  try {
    const complaints = text(leader.stderr!)
    leader.once('exit', kill) // or its children would keep its standard error open
    const [json] = await Promise.all([text(leader.stdio[3] as Readable), ended])
    if (json !== '') return JSON.parse(json)
    throw new Error(leader.signalCode === 'SIGKILL' ? `no result within ${timeoutMs} ms` : lastLine(await complaints))
  } finally {
    clearTimeout(timeout)
    kill()
    while (isGroupAlive(leader.pid!)) await setTimeout(5)
    release()
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether one of the group has not ended; what is only waiting to be reaped has. State and group are fields 3 and 5 of /proc/pid/stat, proc(5). */
function isGroupAlive(leader: number): boolean {
  return readdirSync('/proc').some(pid => {
    try {
      const [, state, group] = /.*\) (\S) \d+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return Number(group) === leader && state !== 'Z' && state !== 'X'
    } catch {
      return false // no process, or one that is gone
    }
  })
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Has something done before this program ends, also by a signal.
 *
 * @returns what undoes that
 */
function killAtExit(kill: () => void): () => void {
  const end = (): void => process.exit(1)
  process.on('exit', kill)
  for (const signal of SIGNALS) process.on(signal, end)
  return () => {
    process.off('exit', kill)
    for (const signal of SIGNALS) process.off(signal, end)
  }
}

/**
 * Reading more certificates costs every Node 20 that starts tens of milliseconds; options of this program are none of
 * the peers'. And a fork is a fork, or no metric.
 */
function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS, NODE_OPTIONS, ...env } = process.env
  return { ...env, ANYFORK_MODE: 'fork' }
}

/** The first processor that this program may use. */
function firstCpu(): number {
  return Number(/^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
}

function lastLine(text: string): string {
  const lines = text.split('\n').map(line => line.trim())
  return lines.findLast(line => /Error\b/.test(line)) ?? lines.findLast(line => line) ?? 'no result'
}
