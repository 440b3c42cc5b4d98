import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { Descriptor } from '@anyfork/fdpass'
import { afterFork } from '../fork-hooks.js'
import { ProcessOutput } from './process-output.js'

/** This program's ends of the standard streams of a process; `null` where there is no pipe. As those of a ChildProcess. */
export interface OwnedStreams {
  stdin: Writable | null
  stdout: Readable | null
  stderr: Readable | null
}

/** All whose pipes are open. */
const open = new Set<Writable | Readable>()

/**
 * Makes streams of the ends of pipes. When the process has ended, its input is closed.
 *
 * @param ends - in the order of the descriptors 0 to 2; owned by the streams from now on
 * @param exited - resolves when the process has ended
 * @returns the streams for which there is an end
 */
export function ownStreams(
  [input, ...outputs]: readonly (Descriptor | undefined)[],
  exited: Promise<unknown>,
): Partial<OwnedStreams> {
  const stdin = input && new Socket({ fd: input.release(), readable: false, writable: true })
  const [stdout, stderr] = outputs.map(output => output && new ProcessOutput(output))
  if (stdin) {
    open.add(stdin)
    stdin.once('close', () => open.delete(stdin))
  }
  for (const output of [stdout, stderr]) {
    if (!output) continue
    open.add(output)
    output.onceClosed(() => open.delete(output)) // a stream that no code reads does not emit 'close'
  }
  void exited.then(() => {
    stdin?.destroy()
    for (const output of [stdout, stderr]) output?.keepRest()
  })
  return { ...(stdin && { stdin }), ...(stdout && { stdout }), ...(stderr && { stderr }) }
}

afterFork(() => {
  // They belong to the parent. A copy would keep them from ending.
  for (const stream of open) stream.destroy()
})
