import { availableParallelism } from 'node:os'
import type { Result } from '../html-report/result.js'
import type { Benchmark, Metrics } from './benchmark.js'
import { type Case, casesOf } from './cases.js'
import type { Rounds } from './interleaved-runs.js'
import { repeatConcurrently } from './repeat.js'
import { currentEnvironment, type Environment } from './report.js'
import { type RoundCount, tableNote } from './round-count.js'
import { rowsOf } from './row.js'
import { takeSample } from './sample-process.js'

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

/** Called after each sample, with the name of the case and with the metrics or the reason of the failure. */
export type OnSample = (name: string, result: Metrics | Error) => void

/** How many samples are taken, those included that a failure has made needless. */
export interface SampleCount {
  done: number
  /** The samples of the first rounds, which are taken in any case. */
  required: number
  /** The samples of all rounds, except those that have been left out. */
  total: number
}

const DEFAULT_ROUNDS = 3
const DEFAULT_TIMEOUT_MS = 60_000

/** A benchmark of a run, and what its rounds have measured so far. */
export class BenchmarkRun implements Rounds {
  readonly #name: string
  readonly #file: string
  readonly #benchmark: Benchmark
  readonly #cases: readonly Case[]
  readonly #isQuick: boolean
  readonly #pinTo: number | undefined
  readonly #onSample: OnSample
  readonly #rounds: RoundCount
  #samplesDone = 0
  #limit: number | undefined
  #environment: Environment | undefined

  /**
   * Loads a benchmark, and measures nothing.
   *
   * @param file - URL of the module that exports `benchmark`
   */
  static async load(
    name: string,
    file: string,
    options: RunOptions = {},
    onSample: OnSample = () => {},
  ): Promise<BenchmarkRun> {
    const { benchmark } = (await import(file)) as { benchmark: Benchmark }
    return new BenchmarkRun(name, file, benchmark, options, onSample)
  }

  private constructor(
    name: string,
    file: string,
    benchmark: Benchmark,
    { isQuick = false, rounds, pinTo }: RunOptions,
    onSample: OnSample,
  ) {
    this.#name = name
    this.#file = file
    this.#benchmark = benchmark
    this.#cases = casesOf(benchmark, isQuick, pinTo)
    this.#isQuick = isQuick
    this.#pinTo = pinTo
    this.#onSample = onSample
    this.#rounds = { done: 0, planned: isQuick ? 1 : (rounds ?? benchmark.rounds ?? DEFAULT_ROUNDS) }
  }

  get isComplete(): boolean {
    return this.#rounds.done === this.#rounds.planned
  }

  get samples(): SampleCount {
    const rounds = this.#limit === undefined ? this.#rounds.planned : this.#rounds.done
    return { done: this.#samplesDone, required: this.#cases.length, total: this.#cases.length * rounds }
  }

  /**
   * Takes one sample of every case. Every other round runs backwards, so that a subject does not always follow the same
   * one. A case whose sample has failed is not measured again.
   */
  async runRound(): Promise<void> {
    this.#environment ??= currentEnvironment(this.#isQuick)
    const queue = this.#rounds.done % 2 ? this.#cases.toReversed() : [...this.#cases]
    await repeatConcurrently(
      this.#isQuick ? availableParallelism() : 1,
      () => !queue.length,
      () => this.#measure(queue.shift()!),
    )
    this.#rounds.done++
  }

  /** Says that a time limit allows no more rounds. */
  leaveOutRest(minutes: number): void {
    this.#limit = minutes
  }

  /** Returns what has been measured so far. Call this after the first round. */
  result(): Required<Result> {
    return {
      benchmark: this.#name,
      title: this.#benchmark.title,
      method: `${this.#benchmark.method}\n\n${tableNote(this.#rounds, this.#limit)}`,
      ...this.#environment!,
      rounds: { ...this.#rounds },
      rows: rowsOf(this.#cases, this.#benchmark.isHigherBetter),
    }
  }

  async #measure(one: Case): Promise<void> {
    if (one.failure !== undefined) return void this.#samplesDone++
    const { subject, setting } = one
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = this.#benchmark
    const name = `${Object.values(setting).join(', ')}: ${subject.name}`
    const options = { isQuick: this.#isQuick, timeoutMs, pinTo: this.#pinTo }
    const result = await takeSample(this.#file, subject, setting, options).catch((error: Error) => error)
    if (result instanceof Error) one.failure = result.message
    else one.samples.push(result)
    this.#samplesDone++
    this.#onSample(name, result)
  }
}
