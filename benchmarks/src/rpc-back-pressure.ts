import type { Benchmark } from './harness/benchmark.js'
import { treePss } from './harness/process-tree.js'
import { openValueSource, valueSubjects } from './peers/value-sources.js'

const BLOCKED_MS = 500

export const benchmark: Benchmark = {
  title: 'How much memory do values take that a busy program has not read yet?',
  method: `A worker sends 2,000 values of 64 KiB, 125 MiB in all, as fast as it can. When the first one arrives, the program computes for ${BLOCKED_MS} ms, and so reads nothing. PSS: of the program and all its processes at the end of this time. Each value must arrive once and in order. Milliseconds: from the end of this time until all have arrived.`,
  isHigherBetter: false,
  subjects: valueSubjects,
  settings: () => [{ cpus: 'free' }],
  async measure(subject, _setting, isQuick) {
    const receive = openValueSource(subject)
    const [count, characters, blockedMs] = isQuick ? [20, 1024, 10] : [2000, 2 ** 16, BLOCKED_MS]
    await receive(10, 8)
    let pssMebibytes = 0
    let goesOnAt = 0
    await receive(count, characters, index => {
      if (index > 0) return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockedMs)
      pssMebibytes = treePss()
      goesOnAt = performance.now()
    })
    return { pssMebibytes, milliseconds: performance.now() - goesOnAt }
  },
}
