import { writeFileSync } from 'node:fs'
import type { Histogram } from 'node:perf_hooks'
import type { MemoryFigures } from '@anyfork/fork-rpc'
import type { PoolStats } from '../pool-stats.js'

/** The outcome of the inputs. */
export interface Counts {
  /** All known inputs: the sum of the next four. */
  inputs: number
  done: number
  failed: number
  /** Inputs that the joblog has. */
  skipped: number
  /** Inputs that were not begun, or whose call was cut off. */
  notDone: number
  /** How often a call was repeated. */
  retried: number
}

/**
 * Writes counts, times, and memory as JSON. Times are in milliseconds unless the name says otherwise, memory in bytes.
 *
 * @param file - an open descriptor
 * @param milliseconds - the running time of the program
 */
export function writeReport(file: number, counts: Counts, milliseconds: number, stats: PoolStats): void {
  const { wait, run, workers, template, calls, utilisation, started, died } = stats
  const report = {
    ...counts,
    seconds: milliseconds / 1000,
    calls,
    utilisation,
    started,
    died,
    wait: summary(wait),
    run: summary(run),
    template: { pid: template.pid, ...memory(template.memory) },
    workers: workers.map(({ memory: figures, running, ...worker }) => ({ ...worker, ...memory(figures) })),
  }
  writeFileSync(file, JSON.stringify(report, null, 2) + '\n')
}

function summary(histogram: Histogram): Record<string, number> {
  if (!histogram.count) return {}
  const { min, max, mean } = histogram
  const of = {
    min,
    mean,
    p50: histogram.percentile(50),
    p90: histogram.percentile(90),
    p99: histogram.percentile(99),
    max,
  }
  return Object.fromEntries(Object.entries(of).map(([name, nanoseconds]) => [name, nanoseconds / 1e6]))
}

function memory(figures: MemoryFigures | undefined): Record<string, number> {
  return figures ? { rssBytes: figures.rss, pssBytes: figures.pss, ussBytes: figures.uss } : {}
}
