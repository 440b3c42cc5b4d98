import { availableParallelism } from 'node:os'
import { median } from '../statistics.js'
import type { Benchmark, Metrics, Setting, Subject } from './benchmark.js'
import { succeeds } from './optional-command.js'
import { hasPerlModule } from './perl.js'
import { repeatConcurrently } from './repeat.js'
import { takeSample } from './sample-process.js'

/** A row of a table: the setting, the way, medians, how many times as good the first subject is, and the extremes of the first metric. */
export type Row = Record<string, string | number | null>

/** Told of each measurement: what was measured, and what came of it. */
export type OnSample = (one: string, result: Metrics | Error) => void

/** How much is measured. */
export interface RunOptions {
  /** One round of the smallest sizes, several at a time: shows that everything runs, measures nothing. */
  isQuick?: boolean
  /** How often each is measured; default: what the benchmark says. */
  rounds?: number | undefined
}

/** One subject under one setting. */
interface Case {
  subject: Subject
  setting: Setting
  samples: Metrics[]
  failure?: string
}

/**
 * Measures all subjects of a benchmark in turn, round after round.
 *
 * @param file - URL of the module that exports the `benchmark`
 */
export async function runInterleaved(
  file: string,
  { isQuick = false, rounds }: RunOptions,
  onSample: OnSample = () => {},
): Promise<Row[]> {
  const { benchmark } = (await import(file)) as { benchmark: Benchmark }
  const cases = casesOf(benchmark, isQuick)
  const { timeoutMs = 120_000 } = benchmark
  const length = isQuick ? 1 : (rounds ?? benchmark.rounds ?? 5)
  const queue = Array.from({ length }, () => cases).flat()
  await repeatConcurrently(
    isQuick ? availableParallelism() : 1,
    () => !queue.length,
    async () => {
      const one = queue.shift()!
      if (one.failure !== undefined) return
      const title = `${Object.values(one.setting).join(', ')}: ${one.subject.name}`
      try {
        const metrics = await takeSample(file, one.subject, one.setting, { isQuick, timeoutMs })
        one.samples.push(metrics)
        onSample(title, metrics)
      } catch (error) {
        one.failure = (error as Error).message
        onSample(title, error as Error)
      }
    },
  )
  return cases.map(one => rowOf(one, referenceOf(one, cases), benchmark.isHigherBetter))
}

function casesOf(benchmark: Benchmark, isQuick: boolean): Case[] {
  const settings = benchmark.settings(isQuick).filter(({ cpus }) => cpus !== 'one' || canPin())
  const subjects = benchmark.subjects.filter(({ perlModule }) => !perlModule || hasPerlModule(perlModule))
  return settings.flatMap(setting =>
    subjects
      .filter(subject => !benchmark.excludes?.(subject, setting))
      .map(subject => ({ subject, setting, samples: [] })),
  )
}

/** The first subject under the same setting. */
function referenceOf({ setting }: Case, cases: readonly Case[]): Case {
  return cases.find(other => other.setting === setting)!
}

function rowOf({ setting, subject, samples, failure }: Case, reference: Case, isHigherBetter: boolean): Row {
  const start = { ...setting, subject: subject.name }
  if (failure !== undefined) return { ...start, failure }
  const first = Object.keys(samples[0]!)[0]!
  const values = samples.map(metrics => metrics[first] ?? null).filter(value => value !== null)
  const own = medianOf(samples, first)
  const theirs = reference.failure === undefined ? medianOf(reference.samples, first) : null
  return {
    ...start,
    ...Object.fromEntries(Object.keys(samples[0]!).map(name => [name, medianOf(samples, name)])),
    ratio: own === null || theirs === null ? null : isHigherBetter ? theirs / own : own / theirs,
    lowest: values.length ? Math.min(...values) : null,
    highest: values.length ? Math.max(...values) : null,
  }
}

/** What did not happen counts as later than all that did; null when that is the usual case. */
function medianOf(samples: readonly Metrics[], name: string): number | null {
  const value = median(samples.map(metrics => metrics[name] ?? Infinity))
  return Number.isFinite(value) ? value : null
}

function canPin(): boolean {
  return succeeds('taskset', ['-V'], 'taskset is not installed: nothing is measured on one processor')
}
