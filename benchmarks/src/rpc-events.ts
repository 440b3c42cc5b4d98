import type { Benchmark } from './harness/benchmark.js'
import { durations, timeCalls } from './harness/measure-calls.js'
import { openValueSource, valueSubjects } from './peers/value-sources.js'

export const benchmark: Benchmark = {
  title: 'How many values per second does a worker send to its program?',
  method:
    'A call lets the worker send a thousand values, each a number and a text. Makes one call after the other for 0.4 seconds. Each value must arrive once and in order. Events, messages, and callbacks are sent without waiting. Streams and standard output stop the worker while the program does not read.',
  isHigherBetter: true,
  subjects: valueSubjects,
  settings: isQuick => (isQuick ? [8] : [64]).map(characters => ({ characters, cpus: 'free' })),
  async measure(subject, { characters }, isQuick) {
    const receive = openValueSource(subject)
    const count = isQuick ? 20 : 1000
    const { warmUp, measured } = durations(isQuick)
    const call = (): Promise<void> => receive(count, Number(characters))
    await timeCalls(call, warmUp)
    const times = await timeCalls(call, measured)
    return { perSecond: (1000 * count * times.length) / times.reduce((a, b) => a + b) }
  },
}
