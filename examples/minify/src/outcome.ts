/** The result of a run over many files. */
export interface Outcome {
  files: number
  failed: number
  bytesIn: number
  bytesOut: number
  seconds: number
  /** One entry per worker: its start-up time and, at the end, its private and its proportional memory. */
  workers: { startMilliseconds: number; ussBytes: number; pssBytes: number }[]
}

const rows: [title: string, cell: (outcome: Outcome) => string][] = [
  ['files', outcome => `${outcome.files}`],
  ['failed', outcome => `${outcome.failed}`],
  ['bytes in', outcome => formatBytes(outcome.bytesIn)],
  ['bytes out', outcome => formatBytes(outcome.bytesOut)],
  ['seconds', outcome => outcome.seconds.toFixed(2)],
  ['workers', outcome => `${outcome.workers.length}`],
  ['ms to start (median)', outcome => median(outcome.workers.map(worker => worker.startMilliseconds)).toFixed(2)],
  ['USS per worker', outcome => formatBytes(median(outcome.workers.map(worker => worker.ussBytes)))],
  ['PSS per worker', outcome => formatBytes(median(outcome.workers.map(worker => worker.pssBytes)))],
]

/** Formats outcomes as a table with one column per outcome. */
export function tabulate(outcomes: Record<string, Outcome>): string {
  const table = [
    ['', ...Object.keys(outcomes)],
    ...rows.map(([title, cell]) => [title, ...Object.values(outcomes).map(cell)]),
  ]
  return table.map(([title, ...cells]) => title!.padEnd(24) + cells.map(cell => cell.padStart(22)).join('')).join('\n')
}

function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
