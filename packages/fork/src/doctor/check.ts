import { isLinux } from '@anyfork/fdpass/internal'
import type { CheckReport, Finding, Severity } from '../check-report.js'
import type { ForkMode } from '../mode.js'
import type { Obstacle } from '../proc.js'
import { getThreads, refusalOfFork } from '../safety/all-threads.js'
import { lastingObstacle } from '../safety/lasting-obstacle.js'
import { loaderThreads } from '../safety/obstacle.js'
import { waitForRequests } from '../safety/pending-requests.js'
import { hasPreloadedThreads, listCopiedThreads, listThreads, type Thread } from '../safety/threads.js'
import { checkHandles, checkListeners, checkOutput, countActiveResources } from './activity.js'
import { checkAddons, loadedAddons } from './addons.js'
import { checkDescriptors, describeDescriptors } from './descriptors.js'
import { checkProcesses } from './processes.js'

const execMode: Obstacle = {
  subject: 'mode',
  text: "its mode is 'exec': its forks are interpreters that carry out the same orders again",
  advice: 'for real forks, set neither the option nor ANYFORK_MODE, and start no worker thread in a forked process',
}
const gravity: readonly Severity[] = ['blocks', 'warns', 'notes']

/**
 * Finds out what prevents forks of this process, and what its children would share.
 *
 * @param own - the descriptors of this package
 * @param children - the pids of the children that this package has made
 */
export async function check(
  own: ReadonlySet<number>,
  children: ReadonlySet<number>,
  mode: ForkMode,
): Promise<CheckReport> {
  const obstacle = mode === 'exec' && isLinux ? execMode : lastingObstacle()
  if (obstacle) return reportImpossible(own, obstacle)
  const requests = await checkRequests()
  const { threads: copiedThreads } = getThreads()
  const threads = copiedThreads === 'all' ? listCopiedThreads() : await listThreads()
  const resources = countActiveResources()
  const descriptors = describeDescriptors(own)
  const addons = loadedAddons()
  const processes = checkProcesses(children)
  const findings = [
    ...requests,
    ...checkThreads(threads),
    ...checkCopies(),
    ...processes,
    // Such a handle is that of a process, if processes can be listed.
    ...checkHandles(resources).filter(({ subject }) => !processes.length || !subject.startsWith('ProcessWrap')),
    ...checkOutput(),
    ...checkDescriptors(descriptors),
    ...checkAddons(addons, descriptors),
    ...checkListeners(),
  ]
  findings.sort((a, b) => gravity.indexOf(a.severity) - gravity.indexOf(b.severity))
  return {
    canFork: findings[0]?.severity !== 'blocks',
    findings,
    copiedThreads,
    threads,
    resources,
    descriptors,
    addons,
  }
}

/** Reports on a process that can never be forked: its children share nothing with it. */
function reportImpossible(own: ReadonlySet<number>, obstacle: Obstacle): CheckReport {
  return {
    canFork: false,
    findings: [{ severity: 'blocks', topic: 'platform', ...obstacle }],
    copiedThreads: 'one',
    threads: [],
    resources: countActiveResources(),
    descriptors: describeDescriptors(own),
    addons: loadedAddons(),
  }
}

/** Waits for requests as long as a fork does. */
async function checkRequests(): Promise<Finding[]> {
  try {
    await waitForRequests()
    return []
  } catch (error) {
    return [
      {
        severity: 'blocks',
        topic: 'request',
        subject: 'libuv',
        text: (error as Error).message,
        advice: 'start them in the child: in the function or in a hook of afterFork()',
      },
    ]
  }
}

/** Reports why forks do not have all threads although these were requested, or why forks would fail. */
function checkCopies(): Finding[] {
  const { threads, reason } = getThreads()
  if (threads === 'one') {
    if (reason === undefined) return []
    const text = `forks have one thread, although all were asked for: ${reason}`
    const advice = "set the option threads to 'one', or use Linux with glibc on x86-64 or arm64"
    return [{ severity: 'notes', topic: 'platform', subject: 'threads', text, advice }]
  }
  const refusal = refusalOfFork()
  if (refusal === undefined) return []
  const advice = 'let the thread wait, or close the descriptor, before the fork'
  return [{ severity: 'blocks', topic: 'thread', subject: 'copies', text: refusal, advice }]
}

function checkThreads(threads: readonly Thread[]): Finding[] {
  const foreign = threads.filter(({ isForeign }) => isForeign)
  if (foreign.length && hasPreloadedThreads()) return [loaderFinding()]
  return foreign.map(({ id, name }) => ({
    severity: 'blocks',
    topic: 'thread',
    subject: name,
    text: `thread ${id}: a child would not have it, and locks that it holds would never be released`,
    advice: 'load the module that starts it in the child, or end it: worker.terminate(), inspector.close()',
  }))
}

function loaderFinding(): Finding {
  return {
    severity: 'blocks',
    topic: 'thread',
    subject: 'loader',
    text: `${loaderThreads().join(', ')}: imports in a child would wait for it forever`,
    advice: 'start templates without the loader, by the option execArgv, and load compiled modules',
  }
}
