/** How many rounds the medians of a benchmark have. */
export interface RoundCount {
  done: number
  planned: number
}

/**
 * Returns the note on the columns of a table.
 *
 * @param limit - the time limit because of which rounds were left out, in minutes
 */
export function tableNote({ done, planned }: RoundCount, limit?: number): string {
  const rounds = `${done < planned ? `${done} of ` : ''}${planned} ${planned === 1 ? 'round' : 'rounds'}`
  const reason = limit === undefined ? '' : `; the rest did not fit into ${minutesFormat.format(limit)}`
  return `Each value is the median of ${rounds}${reason}. Lowest and highest: the extremes of the first metric. Ratio: how many times better the first row is than this one.`
}

const minutesFormat = new Intl.NumberFormat('en', {
  style: 'unit',
  unit: 'minute',
  unitDisplay: 'long',
  maximumSignificantDigits: 3,
})
