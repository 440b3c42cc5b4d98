import {
  type CustomSeriesRenderItemAPI,
  type CustomSeriesRenderItemReturn,
  type EChartsCoreOption,
  init,
} from 'echarts'
import { formatCell } from '../harness/table.js'
import { escapeHtml } from './html.js'
import { numberOf, type Panel, type PanelRow } from './panels.js'
import { isOurs, peerOf } from './peer-of.js'
import type { Scale } from './scale.js'

/** The sizes of a chart, in pixels. The script of the page needs them to close the gaps of hidden rows. */
export const CHART = { width: 900, axis: 26, row: 24, bottom: 6 }

const BAR_HEIGHT = 14
const WHISKER_HEIGHT = 8
const GAP = 8
/** The space for the value of the longest bar, and for names, which are cut if they are longer. */
const VALUE_WIDTH = 70
const NAMES_WIDTH = { least: 120, most: 420 }
const CHARACTER_WIDTH = 6.6
const FONT = 'system-ui, sans-serif'

/** Returns the space for the names of rows, in pixels. The charts of a question have it in common, so that bars align. */
export function namesWidthOf(names: readonly string[]): number {
  const longest = Math.max(...names.map(name => name.length)) * CHARACTER_WIDTH + 2 * GAP
  return Math.round(Math.min(NAMES_WIDTH.most, Math.max(NAMES_WIDTH.least, longest)))
}

/**
 * Draws the first metric of each row as a horizontal bar, with a line from its lowest to its highest value. Its colours are
 * variables of the style sheet of the page.
 *
 * @returns an `<svg>` element, in which each row is a `<g data-peer="…">`
 */
export function panelChart(panel: Panel, scale: Scale, namesWidth: number): string {
  const height = CHART.axis + CHART.row * panel.rows.length + CHART.bottom
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: CHART.width, height })
  chart.setOption(optionsOf(panel, scale, namesWidth))
  const svg = chart.renderToSVGString()
  chart.dispose()
  return groupRows(svg, panel)
}

function optionsOf({ rows, metric }: Panel, scale: Scale, namesWidth: number): EChartsCoreOption {
  return {
    animation: false,
    grid: { left: namesWidth, right: VALUE_WIDTH, top: CHART.axis, height: CHART.row * rows.length },
    xAxis: {
      ...scale,
      position: 'top',
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: 'var(--muted)', fontFamily: FONT, formatter: formatCell },
      splitLine: { lineStyle: { color: 'var(--line)' } },
    },
    yAxis: { type: 'category', data: rows.map((_, row) => row), inverse: true, show: false },
    series: {
      type: 'custom',
      silent: true,
      clip: false,
      data: rows.map(({ measured }, row) => [scale.min, row, numberOf(measured, metric)]),
      encode: { x: 0, y: 1 },
      renderItem: ({ dataIndex }: { dataIndex: number }, api: CustomSeriesRenderItemAPI) =>
        drawRow(rows[dataIndex]!, metric, value => api.coord([value, dataIndex]) as [number, number], scale),
    },
  }
}

/** Draws a row. Its first part is the invisible background, by which `groupRows` finds where it begins. */
function drawRow(
  { name, subject, measured }: PanelRow,
  metric: string,
  pointOf: (value: number) => [x: number, y: number],
  scale: Scale,
): CustomSeriesRenderItemReturn {
  const value = numberOf(measured, metric)
  const [start, y] = pointOf(scale.min)
  const xOf = (column: string): number => pointOf(numberOf(measured, column) ?? value ?? scale.min)[0]
  const [lowest, end, highest] = [xOf('lowest'), xOf(metric), xOf('highest')]
  const half = WHISKER_HEIGHT / 2
  const text = (label: string, x: number, align: 'left' | 'right', fill: string) => ({
    type: 'text' as const,
    style: {
      ...{ text: label, x, y, align, verticalAlign: 'middle' as const, fill, font: `12px ${FONT}` },
      ...(align === 'right' && { width: start - 2 * GAP, overflow: 'truncate' as const }),
    },
  })
  const line = (x1: number, y1: number, x2: number, y2: number) => ({
    type: 'line' as const,
    shape: { x1, y1, x2, y2 },
    style: { stroke: 'var(--whisker)', lineWidth: 1.5 },
  })
  const hasWhisker = value !== null && highest - lowest >= 1
  return {
    type: 'group',
    children: [
      {
        type: 'rect',
        shape: { x: 0, y: y - CHART.row / 2, width: CHART.width, height: CHART.row },
        style: { fill: 'var(--row)' },
      },
      text(name, start - GAP, 'right', isOurs(subject) ? 'var(--ours-text)' : 'var(--text)'),
      ...(value === null
        ? []
        : [
            {
              type: 'rect' as const,
              shape: { x: start, y: y - BAR_HEIGHT / 2, width: end - start, height: BAR_HEIGHT },
              style: { fill: isOurs(subject) ? 'var(--ours)' : 'var(--peer)' },
            },
          ]),
      ...(hasWhisker
        ? [
            line(lowest, y, highest, y),
            line(lowest, y - half, lowest, y + half),
            line(highest, y - half, highest, y + half),
          ]
        : []),
      text(
        measured['failure'] === undefined ? formatCell(value) : 'failed',
        (value === null ? start : Math.max(end, highest)) + GAP,
        'left',
        'var(--text)',
      ),
    ],
  }
}

/**
 * ECharts writes one element per line, and marks the shapes of a row, but not its texts, with the number of the row. Puts
 * all of a row into a group, and drops the style sheet of the pointer.
 */
function groupRows(svg: string, { rows }: Panel): string {
  const lines: string[] = []
  let open: string | undefined
  for (const line of svg.replace(/<style[^]*?<\/style>\n?/, '').split('\n')) {
    const row = line === '</svg>' ? undefined : (/ecmeta_data_index="(\d+)"/.exec(line)?.[1] ?? open)
    if (row !== open) {
      if (open !== undefined) lines.push('</g>')
      if (row !== undefined) lines.push(`<g data-peer="${escapeHtml(peerOf(rows[Number(row)]!.subject))}">`)
      open = row
    }
    lines.push(line.replace(/ (?:ecmeta_\w+|class)="[^"]*"/g, ''))
  }
  return lines.join('\n')
}
