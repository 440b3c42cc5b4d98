import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Metrics } from '../harness/benchmark.js'
import { compile } from '../harness/c-program.js'
import { durations } from '../harness/measure-calls.js'
import { type StartTimes, startMetrics } from '../harness/measure-starts.js'
import { runPerl } from '../harness/perl.js'
import { treeProcessorTimeWithEnded } from '../harness/process-tree.js'

/** How a program starts workers, and how much memory it has written before. */
export interface Starting {
  /** Workers that are started at a time. */
  concurrency: number
  /** Memory of the process that forks. */
  templateMebibytes?: number
  /** Memory of the program that asks for forks. */
  programMebibytes?: number
}

/**
 * Programs in other languages that start workers for a period. They do what `measureStarts` does. Perl's processor time is
 * unknown: the template of AnyEvent::Fork ignores SIGCHLD, so the kernel does not count that of its children.
 */
export const startPrograms: Record<string, (starting: Starting, isQuick: boolean) => Promise<Metrics>> = {
  perl: (starting, isQuick) => inPerl({ ...starting }, isQuick),
  'perl-exec': (starting, isQuick) => inPerl({ ...starting, exec: 1 }, isQuick),
  python: inPython,
  c: (starting, isQuick) => inC(starting, isQuick, false),
  'c-huge-pages': (starting, isQuick) => inC(starting, isQuick, true),
}

async function inPerl(settings: Record<string, number>, isQuick: boolean): Promise<Metrics> {
  return startMetrics((await runPerl('start-workers.pl', { ...settings, ...durations(isQuick) })) as StartTimes)
}

async function inPython(starting: Starting, isQuick: boolean): Promise<Metrics> {
  const program = fileURLToPath(new URL('../../python/start_workers.py', import.meta.url))
  const settings = Object.entries({ ...starting, ...durations(isQuick) }).flat()
  const python = spawn('python3', [program, ...settings.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // The forkserver finds modules only there: Python 3.11 does not give it the path of the program.
    env: { ...process.env, PYTHONPATH: dirname(program), PYTHONDONTWRITEBYTECODE: '1' },
  })
  const lines = createInterface(python.stdout)
  const answer = async (): Promise<string> => {
    python.stdin.write('\n')
    const [line] = await Promise.race([once(lines, 'line'), once(lines, 'close')])
    if (line === undefined) throw new Error('the program in Python has ended')
    return line
  }
  await answer()
  const before = treeProcessorTimeWithEnded()
  const times = JSON.parse(await answer()) as StartTimes
  const processorMilliseconds = (treeProcessorTimeWithEnded() - before) / times.milliseconds.length
  return { ...startMetrics(times), processorMilliseconds }
}

async function inC(
  { concurrency, templateMebibytes = 0 }: Starting,
  isQuick: boolean,
  hasHugePages: boolean,
): Promise<Metrics> {
  using program = compile('start-processes')
  const { warmUp, measured } = durations(isQuick)
  const [perSecond, processorMilliseconds, ...milliseconds] = program.run(
    concurrency,
    warmUp,
    measured,
    templateMebibytes,
    Number(hasHugePages),
  )
  return { ...startMetrics({ perSecond: perSecond!, milliseconds }), processorMilliseconds: processorMilliseconds! }
}
