import { median } from '../statistics.js'
import type { Metrics } from './benchmark.js'
import type { Case } from './cases.js'

/**
 * A row of a table, with its columns in order: the setting, `subject`, the median of each metric, `ratio`, `lowest`, and
 * `highest`. If a sample has failed, `failure` follows the subject, and nothing else.
 */
export type Row = Record<string, string | number | null>

/** Returns one row per case, each with at least one sample or a failure. */
export function rowsOf(cases: readonly Case[], isHigherBetter: boolean): Row[] {
  return cases.map(one => rowOf(one, referenceOf(one, cases), isHigherBetter))
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
