/** One who competes. */
export interface Subject {
  /** What tables call it. */
  name: string
  /** What knows how it is used: a file in `peers/` or a name that the benchmark knows. */
  peer: string
  /** How it is used, where there are several ways. */
  variant?: Record<string, unknown>
  /** A Perl module without which it is left out. */
  perlModule?: string
}

/** Under what circumstances. With `cpus: 'one'`, everything runs on one processor. */
export type Setting = Readonly<Record<string, string | number>>

/** What one measurement gives, by name; the first is what ratios are made of. `null`: it did not happen in the time that it had; of what should be small. */
export type Metrics = Record<string, number | null>

/** What a benchmark asks. Its file exports it as `benchmark`. */
export interface Benchmark {
  /** A sentence with a question mark. */
  title: string
  /** What is done between which moments, for those who read the table. */
  method: string
  /** The first is the one that ratios compare the others with. */
  subjects: readonly Subject[]
  /** Everyone is measured under each. */
  settings(isQuick: boolean): readonly Setting[]
  /** Whether that subject cannot do that. */
  excludes?(subject: Subject, setting: Setting): boolean
  /** Whether more of the first figure is better. */
  isHigherBetter: boolean
  /** How often each is measured, the subjects in turn; default: 5. */
  rounds?: number
  /** How long a measurement may take before it is given up, in milliseconds; default: two minutes. */
  timeoutMs?: number
  /** Called in a process of its own, which is killed with all its children afterwards. */
  measure(subject: Subject, setting: Setting, isQuick: boolean): Promise<Metrics>
}
