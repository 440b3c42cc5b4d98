/**
 * The colours of a chart, and those that replace them for a reader with a dark screen. A chart has a background in both
 * cases, because a page may be dark where the reader's system is light.
 */
export const DARK_COLOURS: Readonly<Record<string, string>> = {
  '#fff': '#15181c', // the background
  'rgb(255,255,255)': '#15181c', // the outline of values
  '#3c3c41': '#e4e7eb', // titles, as ECharts colours them
  '#54555a': '#c3cad2', // names
  '#333': '#e4e7eb', // values
  '#2f7d32': '#46a04b', // our bars
  '#9aa5b1': '#67737f', // those of peers
}

const RULES = Object.entries(DARK_COLOURS).flatMap(([light, dark]) =>
  ['fill', 'stroke'].map(property => `[${property}="${light}"]{${property}:${dark}}`),
)

/** Adds a style sheet to an SVG, which replaces its colours in dark mode. It also works in an `<img>`. */
export function withDarkMode(svg: string): string {
  return svg.replace('>', `>\n<style>@media (prefers-color-scheme: dark){${RULES.join('')}}</style>`)
}
