import progress from 'cli-progress'

const BAR = { barsize: 40, barCompleteString: '='.repeat(40), barIncompleteString: '-'.repeat(40), barGlue: '' }

/** @param milliseconds - the time that has passed, from which the bar estimates the rest */
export function barOf(done: number, known: number, milliseconds: number): string {
  const secondsLeft = Math.ceil(((known - done) * milliseconds) / done / 1000)
  const timeLeft = done ? ` ${progress.Format.TimeFormat(secondsLeft, { autopaddingChar: ' ' }, 5)}` : ''
  return `${progress.Format.BarFormat(known ? done / known : 0, BAR)} ${done}/${known}${timeLeft}`
}
