import { type Descriptor, dup } from '@anyfork/fdpass'

/**
 * Takes all free slots of the descriptor table. Call it only in a process with a low limit (`openFiles` of
 * `runProgram`).
 *
 * @returns the descriptors that take the slots; the caller closes them to free slots again
 */
export function fillDescriptorTable(): Descriptor[] {
  const fillers: Descriptor[] = []
  try {
    for (;;) fillers.push(dup(0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
  return fillers
}
