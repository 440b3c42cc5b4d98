import { createWriteStream, existsSync, ftruncateSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { finished } from 'node:stream/promises'
import { ProcessExitedError } from '@anyfork/fork-rpc'
import { PoolError } from '../errors.js'
import type { Input } from './inputs.js'

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand'

/** The last entry of an input. */
interface Logged {
  text: string
  hasFailed: boolean
}

/** Which inputs are not done again: none, all that the log has, or those that have not failed. */
export type Resume = 'none' | 'all' | 'failed'

/** The entries of a log. */
export interface LoggedInputs {
  /**
   * Returns whether an input need not be done again.
   *
   * @throws Error if the log has another input with this number
   */
  has(input: Input): boolean
}

/** A log of the calls whose results have been printed, in the format of GNU parallel. The command is the input, as JSON. */
export interface Joblog extends LoggedInputs {
  /**
   * Appends an entry.
   *
   * @param startedAt - in milliseconds since 1970
   * @param outcome - the error of a failed call, and how many bytes were printed
   */
  add(input: Input, startedAt: number, milliseconds: number, outcome: { error?: unknown; bytes: number }): void
  /** @throws rejects with the kernel's code if the log could not be written completely */
  close(): Promise<void>
}

/**
 * Reads a log.
 *
 * @returns its entries, and its length in bytes: that of its complete lines, and of all
 * @throws Error with the kernel's code if the file cannot be read
 * @throws Error if resuming and the file is not a log of this program
 */
export function readJoblog(file: string, resume: Resume): LoggedInputs & { complete: number; all: number } {
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
    throw new Error(`${file} is not a joblog`)
  const logged = parseLog(file, whole.toString())
  return {
    complete: whole.length,
    all: old.length,
    has: ({ number, text }) => {
      const before = logged.get(number)
      if (before && before.text !== text)
        throw new Error(`the joblog ${file} belongs to other inputs: input ${number} was another one`)
      return before !== undefined && (resume === 'all' || !before.hasFailed)
    },
  }
}

/**
 * Opens a log. Without resuming, empties it.
 *
 * @throws as `readJoblog`; Error with the kernel's code if the file cannot be opened
 */
export function openJoblog(file: string, resume: Resume): Joblog {
  const { has, complete, all } = readJoblog(file, resume)
  const fd = openSync(file, resume === 'none' ? 'w' : 'a')
  if (complete < all) ftruncateSync(fd, complete)
  const stream = createWriteStream(file, { fd }).on('error', () => {}) // close() reports them
  if (!complete) stream.write(`${HEADER}\n`)
  return {
    has,
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

/** Returns the last entry of each input. `log` ends with a complete line. */
function parseLog(file: string, log: string): Map<number, Logged> {
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
    throw new Error(`${where}: the command is not JSON, so this program has not written it`)
  }
}

/** Follows GNU parallel, which logs -1 for a job that timed out. A failure is never logged as 0 and 0. */
function exitOf(error: unknown): { exitValue: number; signal: number } {
  if (error === undefined) return { exitValue: 0, signal: 0 }
  if (error instanceof PoolError) return { exitValue: -1, signal: 0 }
  if (!(error instanceof ProcessExitedError)) return { exitValue: 1, signal: 0 }
  return {
    exitValue: error.exitCode || (error.signal ? 0 : 1),
    signal: error.signal ? constants.signals[error.signal] : 0,
  }
}
