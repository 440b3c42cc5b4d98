/** Returns the median. @throws RangeError if there are no values */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * Returns a quantile, interpolated between the two nearest values.
 *
 * @param fraction - from 0 to 1: 0.95 is the 95th percentile
 * @throws RangeError if there are no values
 */
export function quantile(values: readonly number[], fraction: number): number {
  if (!values.length) throw new RangeError('values is empty')
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(position)]!
  return below + (sorted[Math.ceil(position)]! - below) * (position % 1)
}
