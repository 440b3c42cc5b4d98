import { writeSync } from 'node:fs'
import type { Benchmark } from './benchmark.js'

// The program that takes one sample; `sample-process.ts` starts it. It writes the metrics to descriptor 3 as JSON.
const METRICS_FD = 3

const [file, name, setting, isQuick] = JSON.parse(process.argv[2]!)
// Standard input ends when the benchmark has died. This process leads a process group, which must not outlive it.
process.stdin.once('end', () => process.kill(0, 'SIGKILL')).resume()

const { benchmark } = (await import(file)) as { benchmark: Benchmark }
const subject = benchmark.subjects.find(subject => subject.name === name)!
const metrics = await benchmark.measure(subject, setting, isQuick)
writeSync(METRICS_FD, JSON.stringify(metrics))
process.exit()
