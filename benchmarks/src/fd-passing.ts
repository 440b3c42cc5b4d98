import { compilePassing, passInC, passInJs } from './fd-passing-one-process.js'
import { hasUsocket, viaFdPasser, viaPerl, viaProcessSend, viaUsocket } from './fd-passing-two-processes.js'
import { hasPerlModule } from './harness/perl.js'
import { median } from './statistics.js'

/** A row of the table. */
export interface FdPassing {
  subject: string
  perSecond: number
  /** How many times faster than the first subject of its group: C in one process, `process.send` between two. */
  ratio?: number
  /** How many times faster than usocket in the same run, and than AnyEvent::FDpasser. */
  timesUsocket?: number
  timesPerl?: number
}

interface Subject {
  name: string
  measure(): number | Promise<number>
}

const USOCKET = 'two processes: usocket, 1 descriptor a write'
const FDPASSER = 'two processes: AnyEvent::FDpasser'

/**
 * Measures how many descriptors per second each subject passes: in one process beside the same loop in C, and between
 * two processes beside `process.send`, usocket, and the Perl originals, where they are installed. The runs are
 * interleaved.
 *
 * @param count - descriptors per sample. Slow subjects pass fewer and fast ones more, so that a sample takes about a second
 * @returns the medians of all rounds
 */
export async function fdPassing(count = 300_000, rounds = 5): Promise<FdPassing[]> {
  using inC = compilePassing()
  const within: Subject[] = [
    { name: 'one process: send, receive, close in C', measure: () => passInC(inC, count) },
    { name: 'one process: @anyfork/fdpass', measure: () => passInJs(count) },
  ]
  const between: Subject[] = [
    { name: 'two processes: process.send(message, socket)', measure: () => viaProcessSend(Math.min(1000, count)) },
  ]
  if (await hasUsocket()) between.push({ name: USOCKET, measure: () => viaUsocket(count) })
  if (hasPerlModule('AnyEvent::FDpasser'))
    between.push({ name: FDPASSER, measure: () => viaPerl('anyevent-fdpasser.pl', count) })
  if (hasPerlModule('IO::FDPass'))
    between.push({
      name: 'two processes: IO::FDPass, both waiting for nothing else',
      measure: () => viaPerl('io-fdpass.pl', count),
    })
  for (const batch of [1, 32, 253])
    between.push({
      name: `two processes: @anyfork/fdpasser, batch ${batch}`,
      measure: () => viaFdPasser(batch > 1 ? 5 * count : count, batch),
    })

  const speeds = new Map<string, number[]>([...within, ...between].map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const { name, measure } of [...within, ...between]) speeds.get(name)!.push(await measure())
  const speed = (name: string): number => median(speeds.get(name)!)

  return [within, between].flatMap(([first, ...others]) => [
    { subject: first!.name, perSecond: speed(first!.name) },
    ...others.map(({ name }) => {
      const row: FdPassing = { subject: name, perSecond: speed(name), ratio: speed(name) / speed(first!.name) }
      if (name.includes('fdpasser') && speeds.has(USOCKET)) row.timesUsocket = row.perSecond / speed(USOCKET)
      if (name.includes('fdpasser') && speeds.has(FDPASSER)) row.timesPerl = row.perSecond / speed(FDPASSER)
      return row
    }),
  ])
}
