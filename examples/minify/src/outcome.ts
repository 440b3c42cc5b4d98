/** The result of a run over many files. */
export interface Outcome {
  files: number
  failed: number
  bytesIn: number
  bytesOut: number
  seconds: number
  /** How many workers were started. */
  started: number
  /** One entry per worker that is alive at the end: its start-up time and its private and its proportional memory. */
  workers: { startMilliseconds: number; ussBytes: number; pssBytes: number }[]
}

const rows: [title: string, cell: (outcome: Outcome) => string][] = [
  ['files', outcome => `${outcome.files}`],
  ['failed', outcome => `${outcome.failed}`],
  ['bytes in', outcome => formatBytes(outcome.bytesIn)],
  ['bytes out', outcome => formatBytes(outcome.bytesOut)],
  ['seconds', outcome => outcome.seconds.toFixed(2)],
  ['workers started', outcome => `${outcome.started}`],
  ['ms to start (median)', outcome => medianOf(outcome, 'startMilliseconds', number => number.toFixed(2))],
  ['USS per worker', outcome => medianOf(outcome, 'ussBytes', formatBytes)],
  ['PSS per worker', outcome => medianOf(outcome, 'pssBytes', formatBytes)],
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

/** Formats the median of a figure of the workers, if there are any. */
function medianOf(
  { workers }: Outcome,
  figure: keyof Outcome['workers'][number],
  format: (number: number) => string,
): string {
  return workers.length ? format(median(workers.map(worker => worker[figure]))) : '-'
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
