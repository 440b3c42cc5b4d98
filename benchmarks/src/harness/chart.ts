import { type EChartsCoreOption, init } from 'echarts'
import { withDarkMode } from './dark-mode.js'
import type { Row } from './row.js'
import { bySetting, formatCell, headingOf } from './table.js'

const WIDTH = 860
const NAMES_WIDTH = 330
const TITLE_HEIGHT = 34
const BAR_HEIGHT = 22

/**
 * Draws the first metric of each row as a horizontal bar, one panel per setting. All panels share one logarithmic scale.
 * The colours follow the colour scheme of the reader.
 *
 * @returns the SVG
 */
export function chartOf(rows: readonly Row[]): string {
  const panels = layOut(rows)
  const { metric, bottom } = panels.at(-1)!
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: bottom })
  chart.setOption(optionsOf(panels, metric))
  const svg = chart.renderToSVGString()
  chart.dispose()
  return withDarkMode(svg)
}

/** The bars of one setting, and their place in the chart, in pixels. */
interface Panel {
  title: string
  metric: string
  subjects: string[]
  values: (number | null)[]
  top: number
  bottom: number
}

function layOut(rows: readonly Row[]): Panel[] {
  const panels: Panel[] = []
  for (const [title, group] of bySetting(rows)) {
    const metric = firstMetric(group)
    const top = (panels.at(-1)?.bottom ?? 0) + TITLE_HEIGHT
    const values = group.map(row => (typeof row[metric] === 'number' ? row[metric] : null))
    panels.push({
      title,
      metric,
      subjects: group.map(row => `${row['subject']}`),
      values,
      top,
      bottom: top + BAR_HEIGHT * group.length,
    })
  }
  return panels
}

function optionsOf(panels: readonly Panel[], metric: string): EChartsCoreOption {
  const values = panels.flatMap(panel => panel.values).filter(value => value !== null)
  const least = Math.min(...values) / 3
  return {
    animation: false,
    backgroundColor: '#fff',
    title: panels.map(({ title, top }) => ({
      text: [title, headingOf(metric)].filter(text => text).join(': '),
      left: 8,
      top: top - TITLE_HEIGHT + 10,
      textStyle: { fontSize: 13 },
    })),
    grid: panels.map(({ top, bottom }) => ({ left: NAMES_WIDTH, right: 80, top, height: bottom - top })),
    xAxis: panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'log',
      show: false,
      min: least,
      startValue: least,
      max: Math.max(...values),
    })),
    yAxis: panels.map(({ subjects }, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: subjects,
      inverse: true,
      axisTick: { show: false },
      axisLine: { show: false },
    })),
    series: panels.map(({ values, subjects }, i) => ({
      type: 'bar',
      xAxisIndex: i,
      yAxisIndex: i,
      barWidth: '70%',
      label: { show: true, position: 'right', formatter: ({ value }: { value: number }) => formatCell(value) },
      data: values.map((value, row) => ({
        value: value ?? '-',
        itemStyle: { color: subjects[row]!.includes('@anyfork') ? '#2f7d32' : '#9aa5b1' },
      })),
    })),
  }
}

function firstMetric(group: readonly Row[]): string {
  return group.flatMap(row => Object.keys(row)).find(key => key !== 'subject' && key !== 'failure') ?? ''
}
