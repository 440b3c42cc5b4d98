import { checkNames } from '@anyfork/fork/internal'

/** How much may be under way before a caller should wait; for its own sake, nothing is refused. */
export interface HighWaterMark {
  /** Calls that have not been answered; default: 10,000. */
  calls?: number
  /** Bytes that wait to be written; default: 16 MiB. */
  bytes?: number
}

const DEFAULT_CALLS = 10_000
const DEFAULT_BYTES = 1 << 24
const names = new Set(['calls', 'bytes'])

/** @throws TypeError for marks that are no positive numbers */
export function checkHighWaterMark(mark: HighWaterMark): void {
  checkNames('highWaterMark', mark, names)
  const { calls = DEFAULT_CALLS, bytes = DEFAULT_BYTES } = mark
  for (const [name, value] of Object.entries({ calls, bytes })) {
    if (!(typeof value === 'number' && value > 0))
      throw new TypeError(`highWaterMark.${name} is a positive number, not ${String(value)}`)
  }
}

/** How much is under way, beside the high-water mark. */
export class BackPressure {
  readonly #calls: number
  readonly #bytes: number
  readonly #measure: () => { calls: number; bytes: number }
  #waiting: (() => void)[] = []

  constructor(
    { calls = DEFAULT_CALLS, bytes = DEFAULT_BYTES }: HighWaterMark,
    measure: () => { calls: number; bytes: number },
  ) {
    this.#calls = calls
    this.#bytes = bytes
    this.#measure = measure
  }

  /** 0 when nothing is under way, 1 at the high-water mark. */
  get value(): number {
    const { calls, bytes } = this.#measure()
    return Math.max(calls / this.#calls, bytes / this.#bytes)
  }

  /** Whether somebody waits until it is below the mark. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0
  }

  /** Resolves when it is below the mark. */
  drained(): Promise<void> {
    return this.value < 1 ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Something may be less than it was. */
  ease(): void {
    if (!this.#waiting.length || this.value >= 1) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
