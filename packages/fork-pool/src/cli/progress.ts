import type { PoolStats } from '../pool-stats.js'

/** Shows on standard error how many inputs are done. */
export interface Progress extends Drawing {
  /** Reports how many inputs are known so far. */
  expect(inputs: number): void
  /** Reports that one more input is done. */
  step(): void
}

/** A text on standard error that is redrawn in place. */
interface Drawing {
  /** Erases the drawing. Call this before writing a line to the terminal. */
  clear(): void
  /** Ends the drawing. Idempotent. */
  stop(): Promise<void>
}

const PERIOD_MS = 200
/** The period if standard error is not a terminal, so that each drawing is appended. */
const PLAIN_PERIOD_MS = 2000

/**
 * Shows a table of the workers if `isWatching`, else a bar if standard error is a terminal, else nothing. What draws them
 * is loaded for the first drawing.
 *
 * @param total - how many inputs are known at the beginning
 */
export function showProgress(total: number, isWatching: boolean, stats: () => Promise<PoolStats>): Progress {
  let known = total
  let done = 0
  const startedAt = performance.now()
  const counting = { expect: (inputs: number) => void (known = Math.max(known, inputs)), step: () => void done++ }
  const table = async (): Promise<string> => (await import('./worker-table.js')).tableOf(await stats(), done, known)
  const bar = async (): Promise<string> => (await import('./bar.js')).barOf(done, known, performance.now() - startedAt)
  if (isWatching) return { ...counting, ...draw(table, true) }
  if (process.stderr.isTTY) return { ...counting, ...draw(bar, false) }
  return { ...counting, clear: () => {}, stop: async () => {} }
}

/**
 * Draws again and again.
 *
 * @param staysAtEnd - whether `stop` draws once more, rather than erases the drawing
 */
function draw(text: () => Promise<string>, staysAtEnd: boolean): Drawing {
  const { isTTY } = process.stderr
  let view: ReturnType<typeof import('log-update').createLogUpdate> | undefined
  let loading: Promise<void> | undefined
  const load = async (): Promise<void> => {
    view = (await import('log-update')).createLogUpdate(process.stderr, { showCursor: true })
  }
  let hasStopped = false
  const drawOnce = async (isLast = false): Promise<void> => {
    if (isTTY) await (loading ??= load())
    const drawn = await text()
    if (hasStopped && !isLast) return
    if (view) view(drawn)
    else process.stderr.write(`${drawn}\n`)
  }
  const tick = (): void => {
    timer = setTimeout(tick, isTTY ? PERIOD_MS : PLAIN_PERIOD_MS)
    void drawOnce()
  }
  let timer = setTimeout(tick, PERIOD_MS)
  return {
    clear: () => view?.clear(),
    stop: async () => {
      if (hasStopped) return
      hasStopped = true
      clearTimeout(timer)
      if (staysAtEnd) await drawOnce(true)
      else view?.clear()
      view?.done()
    },
  }
}
