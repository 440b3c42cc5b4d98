import type { Benchmark, Subject } from './harness/benchmark.js'
import { viaC, viaFdPasser, viaPerl, viaProcessSend, viaUsocket } from './peers/passing-between-processes.js'
import { compilePassing, passInC, passInJs } from './peers/passing-in-one-process.js'

/** A subject, with the function that passes descriptors and returns how many it has passed per second. */
interface Passing extends Subject {
  measure(count: number): number | Promise<number>
}

const withinOneProcess: readonly Passing[] = [
  { name: '@anyfork/fdpass', peer: 'fdpass', measure: passInJs },
  {
    name: 'sendmsg and recvmsg in C, with a peek',
    peer: 'c',
    needs: 'cc',
    measure: count => {
      using program = compilePassing()
      return passInC(program, count)
    },
  },
]

const betweenTwoProcesses: readonly Passing[] = [
  ...[253, 32, 1].map(batch => ({
    name: `@anyfork/fdpasser, batch ${batch}`,
    peer: 'fdpasser',
    measure: (count: number) => viaFdPasser(batch > 1 ? 5 * count : count, batch),
  })),
  ...[253, 1].map(
    (batch): Passing => ({
      name: `sendmsg and recvmsg in C, batch ${batch}`,
      peer: 'c',
      needs: 'cc',
      measure: count => viaC(5 * count, batch),
    }),
  ),
  {
    name: 'process.send(message, socket)',
    peer: 'child-process',
    measure: count => viaProcessSend(Math.min(1000, count)),
  },
  { name: 'usocket, 1 descriptor a write', peer: 'usocket', needs: 'usocket', measure: viaUsocket },
  {
    name: 'AnyEvent::FDpasser (Perl)',
    peer: 'perl',
    perlModule: 'AnyEvent::FDpasser',
    measure: count => viaPerl('anyevent-fdpasser.pl', count),
  },
  {
    name: 'IO::FDPass (Perl), both waiting for nothing else',
    peer: 'perl',
    perlModule: 'IO::FDPass',
    measure: count => viaPerl('io-fdpass.pl', count),
  },
]

const IN_ONE_PROCESS = 'sent, received, and closed in one process'
const subjects = [...betweenTwoProcesses, ...withinOneProcess]

export const benchmark: Benchmark = {
  title: 'How many descriptors per second are passed?',
  method:
    'In one process: sends, receives, and closes one descriptor after the other. Between two: from the first descriptor until the receiver, which has been running before, acknowledges that it has received and closed all of them. A tenth as many warm up. Slow subjects pass fewer, so that a sample takes about a second. A batch is the number of descriptors in a message; 253 is the limit of Linux. The rows in C do no more than the system calls: they show what the kernel takes.',
  isHigherBetter: true,
  subjects,
  settings: () => [
    { descriptors: 'between two processes', cpus: 'free' },
    { descriptors: IN_ONE_PROCESS, cpus: 'free' },
  ],
  excludes: ({ name }, { descriptors }) =>
    withinOneProcess.some(subject => subject.name === name) !== (descriptors === IN_ONE_PROCESS),
  async measure({ name }, _setting, isQuick) {
    const { measure } = subjects.find(subject => subject.name === name)!
    return { perSecond: await measure(isQuick ? 300 : 150_000) }
  },
}
