import { createHash } from 'node:crypto'

/** The data of a job. */
export interface WorkData {
  seed: string
  /** How often the seed is hashed. */
  rounds: number
  /** How many attempts fail before one succeeds. */
  failures?: number
}

/** What a job reports meanwhile. */
export interface Progress {
  attempt: number
  percent: number
}

/**
 * The work of a job, an ordinary function: hashes a seed many times.
 *
 * @param attempt - how many attempts there were before this one
 * @param report - receives the progress twice
 * @returns the hash as hexadecimal digits
 */
export function work(
  { seed, rounds, failures = 0 }: WorkData,
  attempt: number,
  report: (progress: Progress) => void,
): string {
  let hash = seed
  for (let round = 0; round < rounds; round++) {
    if (round % Math.ceil(rounds / 2) === 0) report({ attempt, percent: Math.round((100 * round) / rounds) })
    hash = createHash('sha256').update(hash).digest('hex')
  }
  if (attempt < failures) throw new Error(`attempt ${attempt + 1} fails as ordered`)
  return hash
}
