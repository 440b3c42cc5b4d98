import { writeSync } from 'node:fs'
import type { Benchmark } from './benchmark.js'

/** The program of the process in which one measurement is made; `sample-process.ts` starts it. */
const [file, name, setting, isQuick] = JSON.parse(process.argv[2]!)
process.stdin.once('end', () => process.kill(0, 'SIGKILL')).resume() // whoever wanted to know is gone: so goes the group

const { benchmark } = (await import(file)) as { benchmark: Benchmark }
const subject = benchmark.subjects.find(subject => subject.name === name)!
const metrics = await benchmark.measure(subject, setting, isQuick)
writeSync(3, JSON.stringify(metrics))
process.exit()
