import { writeSync } from 'node:fs'
import type { Question } from './benchmark.js'

/** The program of the process in which one measurement is made; `sample-process.ts` starts it. */
const [file, way, setting, isQuick] = JSON.parse(process.argv[2]!)
process.stdin.once('end', () => process.kill(0, 'SIGKILL')).resume() // whoever wanted to know is gone: so goes the group

const { question } = (await import(file)) as { question: Question }
const contestant = question.contestants.find(contestant => contestant.way === way)!
const figures = await question.measure(contestant, setting, isQuick)
writeSync(3, JSON.stringify(figures))
process.exit()
