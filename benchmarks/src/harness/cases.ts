import type { Benchmark, Metrics, Setting, Subject } from './benchmark.js'
import { hasProgram, succeeds } from './optional-command.js'
import { hasPerlModule } from './perl.js'

/** One subject under one setting. */
export interface Case {
  subject: Subject
  setting: Setting
  samples: Metrics[]
  failure?: string
}

/**
 * Returns the cases that this machine can measure, without samples.
 *
 * @param pinTo - the number of the processor to which every sample is pinned
 */
export function casesOf(benchmark: Benchmark, isQuick: boolean, pinTo?: number): Case[] {
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

function canPin(): boolean {
  return succeeds('taskset', ['-V'], 'taskset is not installed: settings with one processor are left out')
}
