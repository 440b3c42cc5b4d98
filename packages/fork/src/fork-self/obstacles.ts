import { isMainThread } from 'node:worker_threads'
import { binding } from '../binding.js'
import type { Finding } from '../check-report.js'
import type { ThreadChoice } from '../copied-threads.js'
import { counted } from '../counted.js'
import { describeDescriptors } from '../doctor/descriptors.js'
import { FORKING_FLAGS } from '../interpreter-flags.js'
import { hasTimer } from '../owner/own-child.js'
import { activeResources } from '../safety/active-handles.js'
import { isInspectorOpen } from '../safety/all-threads.js'
import { hasLateFlags } from '../safety/engine-flags.js'
import { lastingObstacle } from '../safety/lasting-obstacle.js'
import { countForeignThreads } from '../safety/threads.js'

/** The flags without which V8 cannot be forked. The others save time and memory, or matter only to WebAssembly. */
const required = [/^--single[-_]threaded$/, /^--v8[-_]pool[-_]size=1$/]
/** Node's name of both ends of a `MessageChannel`, and of what connects worker threads. */
const MESSAGE_PORT = 'MessagePort'
const START_LATER = 'start it after forkTemplate() has resolved'

type Reason = [topic: Finding['topic'], subject: string, text: string, advice: string]

/**
 * Finds out why this program cannot be forked at this moment. Nothing that it has started may go on in the copy.
 *
 * @param choice - which threads the copy has
 * @param own - the descriptors that this package closes in the copy
 */
export function findObstacles(choice: ThreadChoice, own: ReadonlySet<number>): Finding[] {
  const lasting = lastingObstacle()
  if (lasting) return [{ severity: 'blocks', topic: 'platform', ...lasting }]
  const areAll = choice.threads === 'all'
  const place = wrongPlace()
  const ofThreads = place.length ? place : areAll ? inspector() : lackingFlags(choice)
  const reasons = [
    ...(ofThreads.length || areAll ? ofThreads : threads(choice)),
    ...requests(),
    ...handles(areAll),
    ...sockets(own),
  ]
  return reasons.map(toFinding)
}

/** Describes why a copy with all threads was refused. */
export function findingOfRefusal(reason: string): Finding {
  return toFinding(['thread', 'copies', reason, 'let the thread wait, or close the descriptor, before the fork'])
}

function toFinding([topic, subject, text, advice]: Reason): Finding {
  return { severity: 'blocks', topic, subject, text, advice }
}

function wrongPlace(): Reason[] {
  if (!isMainThread)
    return [
      ['platform', 'worker thread', 'only the main thread can be forked', 'call forkTemplate() in the main thread'],
    ]
  return []
}

function inspector(): Reason[] {
  if (!isInspectorOpen()) return []
  return [['handle', 'inspector', 'the inspector is open, and every copy would share the port', 'close it first']]
}

/** Returns whether this program has the flags without which a copy with one thread would wait for others. */
export function hasForkingFlags(): boolean {
  return hasLateFlags() || required.every(flag => process.execArgv.some(given => flag.test(given)))
}

function lackingFlags({ reason }: ThreadChoice): Reason[] {
  if (hasForkingFlags()) return []
  return [
    [
      'platform',
      'flags',
      `V8 waits for threads that a copy would not have${whyNotAll(reason)}`,
      `start the program with node ${FORKING_FLAGS.join(' ')}${reason === undefined ? ", or use the option threads: 'all'" : ''}`,
    ],
  ]
}

/** Says why a copy does not have all threads although these were requested. */
function whyNotAll(reason: string | undefined): string {
  return reason === undefined ? '' : `; it cannot have all threads, because ${reason}`
}

function threads({ reason }: ThreadChoice): Reason[] {
  const count = countForeignThreads()
  return count <= 0
    ? []
    : [
        [
          'thread',
          String(count),
          `${counted(count, 'thread')} beside those of Node.js and V8, which a copy would not have: locks would never be released${whyNotAll(reason)}`,
          `${START_LATER}; do not start it with --inspect, and set UV_THREADPOOL_SIZE before it starts`,
        ],
      ]
}

function requests(): Reason[] {
  const count = binding.activeRequests()
  return count
    ? [
        [
          'request',
          String(count),
          `${counted(count, 'pending request')}: a copy would wait for the results forever`,
          'await them first',
        ],
      ]
    : []
}

function handles(areAllThreadsCopied: boolean): Reason[] {
  const { _getActiveHandles: active } = process as unknown as { _getActiveHandles(): { fd?: number }[] }
  const names = activeResources()
  const own = hasTimer() ? names.indexOf('Timeout') : -1
  if (own >= 0) names.splice(own, 1) // this package's own, which ends in the copy
  const reasons = [...new Set(names)]
    .filter(name => !(areAllThreadsCopied && name === MESSAGE_PORT)) // the copy has both ends
    .map((name): Reason => ['handle', name, 'it would go on in every copy', START_LATER])
  if (active().some(({ fd }) => fd === 0))
    reasons.push(['handle', 'stdin', 'standard input is being read, and every copy would read it as well', START_LATER])
  return reasons
}

function sockets(own: ReadonlySet<number>): Reason[] {
  return describeDescriptors(own)
    .filter(({ kind, origin }) => kind === 'socket' && origin === 'opened')
    .map(({ fd, state = 'unconnected', local }) => [
      'descriptor',
      String(fd),
      `a socket, ${state}${local === undefined ? '' : ` at ${local}`}, which every copy would share`,
      `${START_LATER}, or close it first`,
    ])
}
