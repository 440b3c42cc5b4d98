/** An axis for values. */
export interface Scale {
  type: 'log' | 'value'
  min: number
  max: number
  /** The distance of two ticks. Undefined if there is one at each power of ten. */
  interval?: number
}

/** From this quotient of the extremes, a linear scale makes the shortest bar shorter than a twentieth of the longest. */
const LOG_FROM = 20
/** The least length of a bar on a logarithmic scale: so many powers of ten. */
const SHORTEST_BAR = 0.15
const TICKS = 5

/**
 * Chooses the axis for the values of a chart. It is logarithmic, from a power of ten to another, if the greatest value is
 * at least 20 times the least; else linear, from zero to a multiple of a round interval. A scale with values that are zero
 * or less is linear.
 */
export function scaleOf(values: readonly number[]): Scale {
  const least = Math.min(...values)
  const greatest = Math.max(0, ...values)
  if (least > 0 && greatest / least >= LOG_FROM) {
    const start = Math.floor(Math.log10(least) - SHORTEST_BAR)
    return { type: 'log', min: 10 ** start, max: 10 ** Math.ceil(Math.log10(greatest)) }
  }
  if (!greatest) return { type: 'value', min: 0, max: 1, interval: 1 }
  const interval = roundUp(greatest / TICKS)
  return { type: 'value', min: 0, max: interval * Math.ceil(greatest / interval), interval }
}

/** Rounds up to 1, 2, or 5 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find(factor => factor * power >= value) ?? 10)
}
