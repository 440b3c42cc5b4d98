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
 * Takes one sample in a process of its own, so that no subject inherits compiled code, garbage, or threads from another
 * one. The process leads a process group. When the promise settles, no process of the group is running.
 *
 * @param file - URL of the module that exports `benchmark`
 * @param timeoutMs - when to kill the group, in milliseconds
 * @param pinTo - the number of the processor for the whole group; by default, it may use all
 * @throws Error if the process yields no metrics: after a timeout, or with the last line of its standard error
 */
export async function takeSample(
  file: string,
  { name }: Subject,
  setting: Setting,
  { isQuick, timeoutMs, pinTo }: { isQuick: boolean; timeoutMs: number; pinTo?: number | undefined },
): Promise<Metrics> {
  const cpu = setting['cpus'] === 'one' ? firstCpu() : pinTo
  const pinned = cpu === undefined ? [] : ['taskset', '-c', `${cpu}`]
  const [command, ...args] = [...pinned, process.execPath, SAMPLE_MAIN, JSON.stringify([file, name, setting, isQuick])]
  const leader = spawn(command!, args, {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    env: environment(),
  })
  const ended = once(leader, 'exit')
  if (leader.pid === undefined) await ended // rejects with the reason
  const kill = (): void => killGroup(leader.pid!)
  const release = killAtExit(kill)
  const timeout = globalThis.setTimeout(kill, timeoutMs)
  try {
    const errorOutput = text(leader.stderr!)
    leader.once('exit', kill) // a child of it could hold its standard error open
    const [json] = await Promise.all([text(leader.stdio[3] as Readable), ended])
    if (json !== '') return JSON.parse(json)
    throw new Error(leader.signalCode === 'SIGKILL' ? `no metrics within ${timeoutMs} ms` : lastLine(await errorOutput))
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

/** Reports whether a process of the group is running. A zombie is not. Uses fields 3 and 5 of proc_pid_stat(5), state and pgrp. */
function isGroupAlive(leader: number): boolean {
  return readdirSync('/proc').some(pid => {
    try {
      const [, state, group] = /.*\) (\S) \d+ (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return Number(group) === leader && state !== 'Z' && state !== 'X'
    } catch {
      return false // not a process, or one that has ended
    }
  })
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Calls a function when this program exits, including by SIGINT, SIGTERM, or SIGHUP.
 *
 * @returns a function that undoes this
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
 * Returns the environment of a sample. It lacks NODE_EXTRA_CA_CERTS, because Node 20 spends tens of milliseconds reading
 * certificates at each start, and NODE_OPTIONS, which is meant for this program only. ANYFORK_MODE makes a fork that is
 * impossible fail, instead of being replaced by a fresh process.
 */
function environment(): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS, NODE_OPTIONS, ...env } = process.env
  return { ...env, ANYFORK_MODE: 'fork' }
}

/** Returns the number of the first processor that this program may use. */
function firstCpu(): number {
  return Number(/^Cpus_allowed_list:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
}

function lastLine(text: string): string {
  const lines = text.split('\n').map(line => line.trim())
  return lines.findLast(line => /^(?!at ).*Error\b/.test(line)) ?? lines.findLast(line => line) ?? 'no metrics'
}
