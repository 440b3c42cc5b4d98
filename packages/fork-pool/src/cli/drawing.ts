import { createLogUpdate } from 'log-update'

/** What is drawn on a terminal again and again, in its own place. */
export interface Drawing {
  /** To be called before a line is written to the terminal. */
  clear(): void
  /** Draws it once more, where it is to stay, or takes it away. Idempotent. */
  stop(): Promise<void>
}

const PERIOD_MS = 200
/** Where standard error is no terminal, it is written anew, below. */
const PLAIN_PERIOD_MS = 2000

/**
 * Draws on standard error.
 *
 * @param text - what is to be drawn
 * @param stays - whether it stays there in the end
 */
export function draw(text: () => string | Promise<string>, stays: boolean): Drawing {
  const { isTTY } = process.stderr
  const view = isTTY ? createLogUpdate(process.stderr, { showCursor: true }) : undefined
  let hasStopped = false
  const drawOnce = async (isLast = false): Promise<void> => {
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
      if (stays) await drawOnce(true)
      else view?.clear()
      view?.done()
    },
  }
}
