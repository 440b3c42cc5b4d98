import type { CheckReport, Finding, Severity } from '../check-report.js'
import type { ForkMode } from '../mode.js'
import { waitForRequests } from '../safety/pending-requests.js'
import { listThreads, type Thread } from '../safety/threads.js'
import { checkHandles, checkListeners, checkOutput, countActiveResources } from './activity.js'
import { checkAddons, loadedAddons } from './addons.js'
import { checkDescriptors, describeDescriptors } from './descriptors.js'

const gravity: readonly Severity[] = ['blocks', 'warns', 'notes']

/** What a report is about. */
interface Subject {
  /** Descriptors that this package has made. */
  own: ReadonlySet<number>
  mode: ForkMode
}

/** Looks for what stands in the way of a fork of this process, or deserves a look. */
export async function check({ own, mode }: Subject): Promise<CheckReport> {
  if (mode === 'exec') return checkFresh(own)
  const requests = await checkRequests()
  const threads = await listThreads()
  const resources = countActiveResources()
  const descriptors = describeDescriptors(own)
  const addons = loadedAddons()
  const findings = [
    ...requests,
    ...checkThreads(threads),
    ...checkHandles(resources),
    ...checkOutput(),
    ...checkDescriptors(descriptors),
    ...checkAddons(addons, descriptors),
    ...checkListeners(),
  ]
  findings.sort((a, b) => gravity.indexOf(a.severity) - gravity.indexOf(b.severity))
  return { canFork: findings[0]?.severity !== 'blocks', findings, threads, resources, descriptors, addons }
}

/** Of a process whose children are fresh ones, which copy nothing. */
function checkFresh(own: ReadonlySet<number>): CheckReport {
  const text = "its mode is 'exec': what is forked from it is a fresh process that carries out the same orders again"
  return {
    canFork: false,
    findings: [
      {
        severity: 'blocks',
        topic: 'platform',
        subject: 'mode',
        text,
        advice: 'leave it out, and ANYFORK_MODE, where real forks are wanted',
      },
    ],
    threads: [],
    resources: countActiveResources(),
    descriptors: describeDescriptors(own),
    addons: loadedAddons(),
  }
}

/** As long as a fork would wait for them. */
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
        advice: 'start it in the child: in the function, or in a hook of afterFork()',
      },
    ]
  }
}

function checkThreads(threads: readonly Thread[]): Finding[] {
  return threads
    .filter(({ isForeign }) => isForeign)
    .map(({ id, name }) => ({
      severity: 'blocks',
      topic: 'thread',
      subject: name,
      text: `thread ${id}: a child would not have it, and what it holds would be held for ever`,
      advice: 'load what starts it in the child, or end it: worker.terminate(), inspector.close()',
    }))
}
