import type { Template } from '../worker/templates.js'
import type { Worker } from '../worker/worker.js'
import type { Crew } from '../worker/worker-set.js'

/**
 * Replaces all workers by others, from another template, one after the other: each ends
 * when it has finished its calls, and after its successor is there. The template is taken
 * only when one worker of it has started. Resolves when all others have ended, those
 * included that were ending before.
 *
 * @throws rejects with what went wrong with the template; then all is as before
 */
export async function rollOver(crew: Crew, template: Template, isolate: boolean): Promise<void> {
  let successor: Worker | undefined
  try {
    successor = await crew.startFrom(template)
  } catch (error) {
    await crew.templates.drop(template)
    throw error
  }
  crew.templates.replace(template)
  crew.spares.renew()
  if (isolate) void crew.retire(successor)
  for (let old = predecessor(crew, template); old; old = predecessor(crew, template)) {
    // where none can be started, what is needed is started like any other
    if (!successor && !isolate) await crew.startFrom(template).catch(() => {})
    successor = undefined
    void crew.retire(old)
  }
  await Promise.all([...crew.all].filter(worker => worker.template !== template).map(worker => worker.ended))
}

/** A worker of another template, that may be one that is just being started. */
function predecessor(crew: Crew, template: Template): Worker | undefined {
  for (const worker of crew.all) if (worker.template !== template && !worker.isEnding) return worker
  return undefined
}
