/** The value that half of the values do not exceed. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The value that the given part of the values does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  if (!values.length) throw new RangeError('no values')
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * part
  const below = sorted[Math.floor(position)]!
  return below + (sorted[Math.ceil(position)]! - below) * (position % 1)
}
