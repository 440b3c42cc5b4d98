import { totalmem } from 'node:os'
import { ForkProcess } from '@anyfork/fork'
import type { Benchmark, Metrics, Setting } from './harness/benchmark.js'
import { measureStarts } from './harness/measure-starts.js'
import { startPrograms } from './peers/start-programs.js'
import { starters, startsOf, worker } from './peers/starters.js'

const TEMPLATE = 'template'
const PROGRAM = 'program'
const SIZES = [0, 256, 2048]

/** A process and its copies need this many times the memory that is added. */
const ROOM = 3

export const benchmark: Benchmark = {
  title: 'How long does a fork take if the template, or the program, has grown?',
  method:
    'As worker-start, with one worker at a time, after the template or the program has written so much memory more than its own 30 MB. A template of Node has it in arrays of numbers in V8’s heap, a program of Node in buffers, others in one block. Milliseconds: from the request until the first byte. Processor ms: of all processes per worker, from its start to its end. The kernel copies one entry of the page tables for each page, and pages have 4 KiB; the row with huge pages has those of 2 MiB. The program in C forks itself.',
  isHigherBetter: false,
  subjects: [
    { name: '@anyfork/fork', peer: 'fork' },
    { name: 'child_process.fork', peer: 'child-process' },
    { name: 'AnyEvent::Fork (Perl)', peer: 'perl', perlModule: 'AnyEvent::Fork' },
    { name: 'multiprocessing, forkserver (Python)', peer: 'python', needs: 'python3' },
    { name: 'fork(2) in C', peer: 'c', needs: 'cc' },
    { name: 'fork(2) in C, huge pages', peer: 'c-huge-pages', needs: 'cc' },
  ],
  settings: isQuick => (isQuick ? [{ grows: TEMPLATE, addedMebibytes: 16, cpus: 'free' }] : allSettings()),
  excludes: ({ peer, needs }, { grows }) => (grows === TEMPLATE ? peer === 'child-process' : needs === 'cc'),
  async measure({ peer }, { grows, addedMebibytes }, isQuick) {
    const mebibytes = Number(addedMebibytes)
    const grown = grows === TEMPLATE ? { templateMebibytes: mebibytes } : { programMebibytes: mebibytes }
    const program = startPrograms[peer]
    const { medianMilliseconds, p95Milliseconds, processorMilliseconds, perSecond } = program
      ? await program({ concurrency: 1, ...grown }, isQuick)
      : await measureInNode(peer, grown, isQuick)
    const metrics = {
      medianMilliseconds: medianMilliseconds!,
      p95Milliseconds: p95Milliseconds!,
      perSecond: perSecond!,
    }
    return processorMilliseconds === undefined ? metrics : { ...metrics, processorMilliseconds }
  },
}

function allSettings(): Setting[] {
  const possible = SIZES.filter(mebibytes => ROOM * mebibytes * 2 ** 20 <= totalmem())
  if (possible.length < SIZES.length) console.error('fork-time: this machine has too little memory for all sizes')
  const cpus = 'free'
  return [
    ...possible.map(addedMebibytes => ({ grows: TEMPLATE, addedMebibytes, cpus })),
    { grows: PROGRAM, addedMebibytes: possible.at(-1)!, cpus },
  ]
}

/** The memory of this program: the garbage collector must not free it. */
const kept: Buffer[] = []

async function measureInNode(
  peer: string,
  { templateMebibytes = 0, programMebibytes = 0 }: { templateMebibytes?: number; programMebibytes?: number },
  isQuick: boolean,
): Promise<Metrics> {
  kept.push(Buffer.alloc(programMebibytes * 2 ** 20, 1))
  if (peer !== 'fork') return measureStarts(await starters[peer]!(), 1, isQuick)
  const execArgv = [`--max-old-space-size=${2 * templateMebibytes + 1024}`]
  const template = ForkProcess.exec({ execArgv }).require(worker)
  await template.call(worker, 'grow', templateMebibytes)
  return measureStarts(startsOf(template), 1, isQuick)
}
