// This module becomes a script inside the page, so it imports nothing.

/** The sizes of a chart, in pixels. */
interface ChartSizes {
  width: number
  axis: number
  row: number
  bottom: number
}

/** Returns whether a text in lower case contains all words that a reader has typed. */
export function matchesWords(text: string, typed: string): boolean {
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word))
}

/**
 * Moves the rows of a chart up, so that hidden rows leave no gap.
 *
 * @param shown - whether each row is shown
 * @returns how far each row moves down in pixels, which is zero or negative, and the height of the chart
 */
export function closeGaps(
  shown: readonly boolean[],
  { axis, row, bottom }: ChartSizes,
): { moves: number[]; height: number } {
  let hidden = 0
  const moves = shown.map(isShown => {
    if (!isShown) hidden++
    return hidden ? -hidden * row : 0
  })
  return { moves, height: axis + (shown.length - hidden) * row + bottom }
}

/** Counts things, such as `2 of 18 questions`. */
export function countOf(shown: number, all: number, noun: string): string {
  return `${shown === all ? 'all' : `${shown} of`} ${all} ${noun}`
}

/** Shows the form, and filters the page whenever it changes. */
export function start(sizes: ChartSizes): void {
  const form = document.querySelector<HTMLFormElement>('#filter')!
  const words = form.querySelector<HTMLInputElement>('#words')!
  const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name=peer]')]
  const sections = [...document.querySelectorAll<HTMLElement>('main > section')]

  const apply = (): void => {
    const peers = new Set(boxes.filter(box => box.checked).map(box => box.value))
    for (const section of sections) {
      for (const panel of section.querySelectorAll<HTMLElement>('.panel')) filterPanel(panel, peers, sizes)
      const hasRows = section.querySelector('.panel:not([hidden])') !== null
      section.hidden = !hasRows || !matchesWords(section.dataset['text']!, words.value)
      document.querySelector<HTMLElement>(`nav a[href="#${CSS.escape(section.id)}"]`)!.parentElement!.hidden =
        section.hidden
    }
    const questions = sections.filter(section => !section.hidden).length
    form.querySelector('#shown')!.textContent =
      `${countOf(questions, sections.length, 'questions')}, ${countOf(peers.size, boxes.length, 'peers')}`
  }
  const check = (isChecked: boolean): void => {
    for (const box of boxes) box.checked = isChecked
    apply()
  }
  form.addEventListener('input', apply)
  form.addEventListener('submit', event => event.preventDefault())
  form.addEventListener('reset', () => setTimeout(apply)) // the fields change after the event
  form.querySelector('#all')!.addEventListener('click', () => check(true))
  form.querySelector('#none')!.addEventListener('click', () => check(false))
  form.querySelector('#save')!.addEventListener('click', saveNumbers)
  letKeysScroll(document.querySelectorAll<HTMLElement>('.scroll'))
  form.hidden = false
  apply() // a reloaded page keeps what its fields had
}

function filterPanel(panel: HTMLElement, peers: ReadonlySet<string>, sizes: ChartSizes): void {
  const isShown = (row: Element): boolean => peers.has(row.getAttribute('data-peer')!)
  const tableRows = [...panel.querySelectorAll<HTMLElement>('tr[data-peer]')]
  for (const row of tableRows) row.hidden = !isShown(row)
  panel.hidden = tableRows.every(row => row.hidden)
  const svg = panel.querySelector('svg')
  if (!svg) return
  const bars = [...svg.querySelectorAll<SVGGElement>('g[data-peer]')]
  const { moves, height } = closeGaps(bars.map(isShown), sizes)
  bars.forEach((bar, i) => {
    bar.style.display = isShown(bar) ? '' : 'none'
    bar.setAttribute('transform', `translate(0 ${moves[i]})`)
  })
  svg.setAttribute('height', `${height}`)
  svg.setAttribute('viewBox', `0 0 ${sizes.width} ${height}`)
}

/** Lets the keyboard reach the boxes that scroll, and no others. */
function letKeysScroll(boxes: Iterable<HTMLElement>): void {
  const observer = new ResizeObserver(entries => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.setAttribute('tabindex', '0')
      else target.removeAttribute('tabindex')
    }
  })
  for (const box of boxes) observer.observe(box)
}

function saveNumbers(): void {
  const text = document.querySelector('#numbers')!.textContent!
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = 'benchmarks.json'
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
