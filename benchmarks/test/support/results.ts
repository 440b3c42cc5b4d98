import type { Result } from '@anyfork/benchmarks/html-report/result'

const environment = { date: '2026-01-02 03:04', node: 'v20.0.0', machine: '2 × Abacus', load: 0.5, isQuick: false }

/** Text that would be a script if it were not escaped. */
export const HOSTILE = `</script><script>alert("x")</script><img src=x onerror='alert(1)'>&amp;`

/** Results that have a linear and a logarithmic chart, several settings of one subject, a failure, and hostile text. */
export const results: Result[] = [
  {
    ...environment,
    benchmark: 'latency',
    title: 'How long does a call take?',
    method: 'First paragraph.\n\nSecond paragraph.',
    versions: { piscina: '5.0.0' },
    rows: [
      row({ module: 'bare' }, '@anyfork/fork-pool', 2),
      row({ module: 'bare' }, '@anyfork/fork-pool, spare 1', 1),
      row({ module: 'bare' }, 'piscina', 300),
      row({ module: 'large' }, '@anyfork/fork-pool', 3),
      row({ module: 'large' }, 'tinypool, worker_threads', 900),
    ],
  },
  {
    ...environment,
    benchmark: 'scaling',
    title: 'How does a pool scale?',
    method: 'With more and more workers.',
    rows: [1, 2, 4].map(workers => row({ workers }, '@anyfork/fork-pool', 10 * workers)),
  },
  {
    ...environment,
    benchmark: 'hostile',
    title: HOSTILE,
    method: HOSTILE,
    machine: HOSTILE,
    rows: [
      { [HOSTILE]: HOSTILE, subject: HOSTILE, failure: HOSTILE },
      { [HOSTILE]: HOSTILE, subject: 'never', milliseconds: null, ratio: null, lowest: null, highest: null },
    ],
  },
]

function row(setting: Record<string, string | number>, subject: string, milliseconds: number) {
  return { ...setting, subject, milliseconds, ratio: 1, lowest: milliseconds * 0.9, highest: milliseconds * 1.2 }
}
