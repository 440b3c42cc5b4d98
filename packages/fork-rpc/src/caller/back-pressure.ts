import { DEFAULT_MARK, type HighWaterMark } from '../options.js'

/** Compares how much is under way with the high-water mark. */
export class BackPressure {
  readonly #calls: number
  readonly #bytes: number
  readonly #measure: () => { calls: number; bytes: number }
  #waiting: (() => void)[] = []

  constructor(
    { calls = DEFAULT_MARK.calls, bytes = DEFAULT_MARK.bytes }: HighWaterMark,
    measure: () => { calls: number; bytes: number },
  ) {
    this.#calls = calls
    this.#bytes = bytes
    this.#measure = measure
  }

  /** 0 if nothing is under way, 1 at the high-water mark. */
  get value(): number {
    const { calls, bytes } = this.#measure()
    return Math.max(calls / this.#calls, bytes / this.#bytes)
  }

  /** Whether a caller waits until the value is below 1. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0
  }

  /** Resolves when the value is below 1. */
  drained(): Promise<void> {
    return this.value < 1 ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Call this when less may be under way: resolves what `drained` returned if the value is below 1. */
  ease(): void {
    if (!this.#waiting.length || this.value >= 1) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
