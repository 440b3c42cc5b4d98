import { createWriteStream, existsSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { finished } from 'node:stream/promises'
import { ProcessExitedError } from '@anyfork/fork-rpc'
import { PoolError } from '../errors.js'
import type { Input } from './inputs.js'

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand'

/** What a log says of an input. */
interface Logged {
  text: string
  hasFailed: boolean
}

/** A log of what was done and printed, in the format of GNU parallel; the command is the input, as JSON. */
export interface Joblog {
  /**
   * Whether an input need not be done again.
   *
   * @throws Error when the log is of other inputs
   */
  has(input: Input): boolean
  /** @param startedAt - milliseconds since 1970 */
  add(input: Input, startedAt: number, milliseconds: number, outcome: { error?: unknown; bytes: number }): void
  /** @throws rejects when not all could be written */
  close(): Promise<void>
}

/**
 * @param resume - what is not to be done again: nothing, all that the log has, or what was done without failure
 * @throws Error when the file cannot be opened, or is no log
 */
export function openJoblog(file: string, resume: 'none' | 'all' | 'failed'): Joblog {
  const old = resume !== 'none' && existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  const whole = old.subarray(0, old.lastIndexOf('\n') + 1)
  if (
    !HEADER.startsWith(
      old
        .subarray(0, HEADER.length + 1)
        .toString()
        .trimEnd(),
    )
  )
    throw new Error(`${file} is no joblog`)
  const logged = parse(file, whole.toString())
  const fd = openSync(file, resume === 'none' ? 'w' : 'a')
  if (whole.length < old.length) ftruncateSync(fd, whole.length)
  const stream = createWriteStream(file, { fd }).on('error', () => {}) // close() tells
  if (!whole.length) stream.write(`${HEADER}\n`)
  return {
    has: ({ number, text }) => {
      const before = logged.get(number)
      if (before && before.text !== text)
        throw new Error(`the joblog ${file} is of other inputs: number ${number} was ${before.text}, not ${text}`)
      return before !== undefined && (resume === 'all' || !before.hasFailed)
    },
    add: ({ number, text }, startedAt, milliseconds, { error, bytes }) => {
      const { exitValue, signal } = exitOf(error)
      stream.write(
        [
          number,
          ':',
          (startedAt / 1000).toFixed(3),
          (milliseconds / 1000).toFixed(3),
          Buffer.byteLength(text),
          bytes,
          exitValue,
          signal,
          JSON.stringify(text),
        ].join('\t') + '\n',
      )
    },
    close: async () => {
      stream.end()
      await finished(stream)
    },
  }
}

/** Of several lines for an input, the last counts. A line that was not written to its end is not there. */
function parse(file: string, log: string): Map<number, Logged> {
  const entries = log
    .split('\n')
    .slice(1, -1)
    .map((line, i) => {
      const [number, , , , , , exitValue, signal, command = ''] = line.split('\t')
      return [
        Number(number),
        { text: textOf(command, `${file}, line ${i + 2}`), hasFailed: exitValue !== '0' || signal !== '0' },
      ] as const
    })
  return new Map(entries)
}

function textOf(command: string, where: string): string {
  try {
    return JSON.parse(command) as string
  } catch {
    throw new Error(`${where}: ${command} is no input of this program, which are JSON`)
  }
}

/** As GNU parallel: -1 for a call that was given up. No failure is logged as success. */
function exitOf(error: unknown): { exitValue: number; signal: number } {
  if (error === undefined) return { exitValue: 0, signal: 0 }
  if (error instanceof PoolError) return { exitValue: -1, signal: 0 }
  if (!(error instanceof ProcessExitedError)) return { exitValue: 1, signal: 0 }
  return {
    exitValue: error.exitCode || (error.signal ? 0 : 1),
    signal: error.signal ? constants.signals[error.signal] : 0,
  }
}
