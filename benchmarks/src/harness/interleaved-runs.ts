import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { median } from '../statistics.js'
import type { Contestant, Figures, Question, Setting } from './benchmark.js'
import { inLanes } from './repeat.js'
import { perform } from './sample-process.js'

/** A row of a table: the setting, the way, medians, how many times as good the first contestant is, and the extremes of the first figure. */
export type Row = Record<string, string | number | null>

/** Told of each measurement: what was measured, and what came of it. */
export type Progress = (entry: string, result: Figures | Error) => void

/** How much is measured. */
export interface Extent {
  /** One round of the smallest sizes, several at a time: shows that everything runs, measures nothing. */
  isQuick?: boolean
  /** How often each is measured; default: what the question says. */
  rounds?: number | undefined
}

/** One contestant under one setting. */
interface Entry {
  contestant: Contestant
  setting: Setting
  results: Figures[]
  failure?: string
}

/**
 * Measures all contestants of a question in turn, round after round.
 *
 * @param file - URL of the module that exports the `question`
 */
export async function contest(
  file: string,
  { isQuick = false, rounds }: Extent,
  onProgress: Progress = () => {},
): Promise<Row[]> {
  const { question } = (await import(file)) as { question: Question }
  const entries = entriesOf(question, isQuick)
  const { longest = 120_000 } = question
  const length = isQuick ? 1 : (rounds ?? question.rounds ?? 5)
  const queue = Array.from({ length }, () => entries).flat()
  await inLanes(
    isQuick ? availableParallelism() : 1,
    () => !queue.length,
    async () => {
      const entry = queue.shift()!
      if (entry.failure !== undefined) return
      const title = `${Object.values(entry.setting).join(', ')}: ${entry.contestant.way}`
      try {
        const figures = await perform(file, entry.contestant, entry.setting, { isQuick, longest })
        entry.results.push(figures)
        onProgress(title, figures)
      } catch (error) {
        entry.failure = (error as Error).message
        onProgress(title, error as Error)
      }
    },
  )
  return entries.map(entry => rowOf(entry, referenceOf(entry, entries), question.isMoreBetter))
}

function entriesOf(question: Question, isQuick: boolean): Entry[] {
  const settings = question.settings(isQuick).filter(({ cpus }) => cpus !== 'one' || canPin())
  const contestants = question.contestants.filter(({ perlModule }) => !perlModule || hasPerlModule(perlModule))
  return settings.flatMap(setting =>
    contestants
      .filter(contestant => !question.excludes?.(contestant, setting))
      .map(contestant => ({ contestant, setting, results: [] })),
  )
}

/** The first contestant under the same setting. */
function referenceOf({ setting }: Entry, entries: readonly Entry[]): Entry {
  return entries.find(other => other.setting === setting)!
}

function rowOf({ setting, contestant, results, failure }: Entry, reference: Entry, isMoreBetter: boolean): Row {
  const start = { ...setting, way: contestant.way }
  if (failure !== undefined) return { ...start, failure }
  const first = Object.keys(results[0]!)[0]!
  const values = results.map(figures => figures[first] ?? null).filter(value => value !== null)
  const own = medianOf(results, first)
  const theirs = reference.failure === undefined ? medianOf(reference.results, first) : null
  return {
    ...start,
    ...Object.fromEntries(Object.keys(results[0]!).map(name => [name, medianOf(results, name)])),
    ratio: own === null || theirs === null ? null : isMoreBetter ? theirs / own : own / theirs,
    lowest: values.length ? Math.min(...values) : null,
    highest: values.length ? Math.max(...values) : null,
  }
}

/** What did not happen counts as later than all that did; null when that is the usual case. */
function medianOf(results: readonly Figures[], name: string): number | null {
  const value = median(results.map(figures => figures[name] ?? Infinity))
  return Number.isFinite(value) ? value : null
}

function canPin(): boolean {
  return isThere('taskset', ['-V'], 'taskset is not installed: nothing is measured on one processor')
}

function hasPerlModule(name: string): boolean {
  return isThere('perl', [`-M${name}`, '-e', '1'], `Perl has no ${name} here: left out`)
}

const told = new Map<string, boolean>()

/** Whether a command succeeds; says once what follows if it does not. */
function isThere(command: string, args: string[], otherwise: string): boolean {
  const known = told.get(otherwise)
  if (known !== undefined) return known
  const is = spawnSync(command, args, { stdio: 'ignore' }).status === 0
  if (!is) console.error(otherwise)
  told.set(otherwise, is)
  return is
}
