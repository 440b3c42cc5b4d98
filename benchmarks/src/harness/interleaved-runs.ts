import { availableParallelism } from 'node:os'
import { median } from '../statistics.js'
import type { Benchmark, Metrics, Setting, Subject } from './benchmark.js'
import { hasProgram, succeeds } from './optional-command.js'
import { hasPerlModule } from './perl.js'
import { repeatConcurrently } from './repeat.js'
import { takeSample } from './sample-process.js'

/**
 * A row of a table, with its columns in order: the setting, `subject`, the median of each metric, `ratio`, `lowest`, and
 * `highest`. If a sample has failed, `failure` follows the subject, and nothing else.
 */
export type Row = Record<string, string | number | null>

/** How many samples of a benchmark are taken, those included that a failure has made needless. */
export interface SampleCount {
  done: number
  total: number
}

/** Called after each sample, with the name of the case and with the metrics or the reason of the failure. */
export type OnSample = (name: string, result: Metrics | Error, count: SampleCount) => void

export interface RunOptions {
  /** Takes one sample of the smallest size, several side by side. This proves that all runs; the metrics mean nothing. */
  isQuick?: boolean
  /**
   * How many samples are taken of each case.
   *
   * @default the `rounds` of the benchmark
   */
  rounds?: number | undefined
  /** The number of a processor to which every sample is pinned, with all processes that it starts. */
  pinTo?: number | undefined
}

/** One subject under one setting. */
interface Case {
  subject: Subject
  setting: Setting
  samples: Metrics[]
  failure?: string
}

const DEFAULT_ROUNDS = 3
const DEFAULT_TIMEOUT_MS = 60_000

/**
 * Runs a benchmark. The runs are interleaved: each round takes one sample of every case, so that a disturbance of the
 * machine affects all subjects alike. Every other round runs backwards, so that a subject does not always follow the same
 * one. A case whose sample has failed is not measured again.
 *
 * @param file - URL of the module that exports `benchmark`
 * @returns one row per case
 */
export async function runInterleaved(
  file: string,
  { isQuick = false, rounds, pinTo }: RunOptions,
  onSample: OnSample = () => {},
): Promise<Row[]> {
  const { benchmark } = (await import(file)) as { benchmark: Benchmark }
  const cases = casesOf(benchmark, isQuick, pinTo)
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = benchmark
  const length = isQuick ? 1 : (rounds ?? benchmark.rounds ?? DEFAULT_ROUNDS)
  const queue = Array.from({ length }, (_, round) => (round % 2 ? cases.toReversed() : cases)).flat()
  const total = queue.length
  let done = 0
  await repeatConcurrently(
    isQuick ? availableParallelism() : 1,
    () => !queue.length,
    async () => {
      const next = queue.shift()!
      if (next.failure !== undefined) return void done++
      const name = `${Object.values(next.setting).join(', ')}: ${next.subject.name}`
      try {
        const metrics = await takeSample(file, next.subject, next.setting, { isQuick, timeoutMs, pinTo })
        next.samples.push(metrics)
        onSample(name, metrics, { done: ++done, total })
      } catch (error) {
        next.failure = (error as Error).message
        onSample(name, error as Error, { done: ++done, total })
      }
    },
  )
  return cases.map(one => rowOf(one, referenceOf(one, cases), benchmark.isHigherBetter))
}

function casesOf(benchmark: Benchmark, isQuick: boolean, pinTo?: number): Case[] {
  const settings = pinned(benchmark.settings(isQuick), pinTo).filter(({ cpus }) => cpus !== 'one' || canPin())
  const subjects = benchmark.subjects.filter(isInstalled)
  return settings.flatMap(setting =>
    subjects
      .filter(subject => !benchmark.excludes?.(subject, setting))
      .map(subject => ({ subject, setting, samples: [] })),
  )
}

/** Names the processor in each setting. Settings that differed only in their processors are the same then: one is left. */
function pinned(settings: readonly Setting[], pinTo?: number): readonly Setting[] {
  if (pinTo === undefined) return settings
  const unique = new Map(settings.map(setting => [JSON.stringify({ ...setting, cpus: '' }), setting]))
  return [...unique.values()].map(setting => ({ ...setting, cpus: `only ${pinTo}` }))
}

function isInstalled({ perlModule, needs }: Subject): boolean {
  return (!perlModule || hasPerlModule(perlModule)) && (!needs || hasProgram(needs))
}

/** Returns the case of the first subject under the same setting. */
function referenceOf({ setting }: Case, cases: readonly Case[]): Case {
  return cases.find(other => other.setting === setting)!
}

function rowOf({ setting, subject, samples, failure }: Case, reference: Case, isHigherBetter: boolean): Row {
  const start = { ...setting, subject: subject.name }
  if (failure !== undefined) return { ...start, failure }
  const names = Object.keys(samples[0]!)
  const first = names[0]!
  const values = samples.map(metrics => metrics[first] ?? null).filter(value => value !== null)
  const own = medianOf(samples, first)
  const theirs = reference.failure === undefined ? medianOf(reference.samples, first) : null
  return {
    ...start,
    ...Object.fromEntries(names.map(name => [name, medianOf(samples, name)])),
    ratio: own === null || theirs === null ? null : isHigherBetter ? theirs / own : own / theirs,
    lowest: values.length ? Math.min(...values) : null,
    highest: values.length ? Math.max(...values) : null,
  }
}

/** Returns the median of a metric. An event that did not occur counts as infinitely late; `null` if the median is one. */
function medianOf(samples: readonly Metrics[], name: string): number | null {
  const value = median(samples.map(metrics => metrics[name] ?? Infinity))
  return Number.isFinite(value) ? value : null
}

function canPin(): boolean {
  return succeeds('taskset', ['-V'], 'taskset is not installed: settings with one processor are left out')
}
