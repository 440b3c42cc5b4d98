import type { Template } from '../worker/templates.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'

/**
 * Replaces all workers by others, from another template, one after the other: each ends
 * when it has finished its calls, and after its successor is there. The template is taken
 * only when one worker of it has started. Resolves when all others have ended, those
 * included that were ending before.
 *
 * @throws rejects with what went wrong with the template; then all is as before
 */
export async function restartWorkers(workerSet: WorkerSet, template: Template, isolate: boolean): Promise<void> {
  let successor: Worker | undefined
  try {
    successor = await workerSet.startFrom(template)
  } catch (error) {
    await workerSet.templates.drop(template)
    throw error
  }
  workerSet.templates.replace(template)
  workerSet.spares.renew()
  if (isolate) void workerSet.retire(successor)
  for (let old = predecessor(workerSet, template); old; old = predecessor(workerSet, template)) {
    // where none can be started, what is needed is started like any other
    if (!successor && !isolate) await workerSet.startFrom(template).catch(() => {})
    successor = undefined
    void workerSet.retire(old)
  }
  await Promise.all([...workerSet.all].filter(worker => worker.template !== template).map(worker => worker.ended))
}

/** A worker of another template, that may be one that is just being started. */
function predecessor(workerSet: WorkerSet, template: Template): Worker | undefined {
  for (const worker of workerSet.all) if (worker.template !== template && !worker.isEnding) return worker
  return undefined
}
