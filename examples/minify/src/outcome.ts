/** What a run over many files came to. */
export interface Outcome {
  files: number
  failed: number
  bytesIn: number
  bytesOut: number
  seconds: number
  /** Of each worker. */
  workers: { startMilliseconds: number; ussBytes: number; pssBytes: number }[]
}

const rows: [title: string, cell: (outcome: Outcome) => string][] = [
  ['files', outcome => `${outcome.files}`],
  ['failed', outcome => `${outcome.failed}`],
  ['bytes in', outcome => megabytes(outcome.bytesIn)],
  ['bytes out', outcome => megabytes(outcome.bytesOut)],
  ['seconds', outcome => outcome.seconds.toFixed(2)],
  ['workers', outcome => `${outcome.workers.length}`],
  ['ms to a worker (median)', outcome => median(outcome.workers.map(one => one.startMilliseconds)).toFixed(2)],
  ['USS per worker', outcome => megabytes(median(outcome.workers.map(one => one.ussBytes)))],
  ['PSS per worker', outcome => megabytes(median(outcome.workers.map(one => one.pssBytes)))],
]

/** Outcomes beside each other, as lines of text. */
export function tabulate(outcomes: Record<string, Outcome>): string {
  const table = [
    ['', ...Object.keys(outcomes)],
    ...rows.map(([title, cell]) => [title, ...Object.values(outcomes).map(cell)]),
  ]
  return table.map(([title, ...cells]) => title!.padEnd(24) + cells.map(cell => cell.padStart(22)).join('')).join('\n')
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
