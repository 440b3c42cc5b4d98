/** One implementation that a benchmark measures: a package of this repository or a peer, used in one particular way. */
export interface Subject {
  /** The name in tables and charts. It is unique within a benchmark. */
  name: string
  /** The adapter that starts the subject: the name of a file in `peers/`, or a name that only the benchmark knows. */
  peer: string
  /** The options of the adapter, such as a serialiser. */
  variant?: Record<string, unknown>
  /** A Perl module that the subject needs. Where it is not installed, the subject is left out. */
  perlModule?: string
  /** A program, or a package with an addon, that the subject needs. Where it does not run, the subject is left out. */
  needs?: 'cc' | 'python3' | 'pm2' | 'usocket'
}

/** The parameters of one table, by name. With `cpus: 'one'`, a sample is pinned to one processor. */
export type Setting = Readonly<Record<string, string | number>>

/**
 * What one sample has measured, by name. The name ends in the unit. Ratios compare the first metric. `null` means that
 * the measured event did not occur in time; it is allowed only for metrics of which less is better.
 */
export type Metrics = Record<string, number | null>

/** A benchmark answers one question. Its module exports it as `benchmark`. */
export interface Benchmark {
  /** The question, with a question mark. */
  title: string
  /** What happens between which two moments. Readers of the table rely on it. */
  method: string
  /** The first subject is the reference of the ratios. */
  subjects: readonly Subject[]
  /** Returns the settings. Every subject is measured under each of them. */
  settings(isQuick: boolean): readonly Setting[]
  /** Reports whether a subject cannot be measured under a setting. */
  excludes?(subject: Subject, setting: Setting): boolean
  /** True if a higher value of the first metric is better. */
  isHigherBetter: boolean
  /**
   * How many samples are taken of each subject under each setting, interleaved.
   *
   * @default 3
   */
  rounds?: number
  /**
   * How long a sample may take, in milliseconds. After that, its processes are killed, and the sample has failed.
   *
   * @default 60_000
   */
  timeoutMs?: number
  /** Takes one sample. It runs in a process of its own, which is killed afterwards with all its descendants. */
  measure(subject: Subject, setting: Setting, isQuick: boolean): Promise<Metrics>
}
