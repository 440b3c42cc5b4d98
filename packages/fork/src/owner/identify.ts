import { constants } from 'node:os'
import type { Descriptor } from '@anyfork/fdpass'
import type { Sender } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { Pidfd } from '../pidfd.js'

const ESRCH = -constants.errno.ESRCH

/**
 * Returns the pidfd of a process that has sent a report.
 *
 * The kernel attaches the pid of the sender to the report (`SO_PASSCRED`), so a process cannot name another one. When it
 * sent the report, it had that pid. So if the pidfd that came with the same report has that pid as well, it refers to the
 * sender, even if the pid is in use again by now.
 *
 * A pidfd that is opened here might refer to a later process. A closed control socket shows that, unless the sender has
 * passed it on before its end. Then the user of the process is compared: a process that could have signalled it itself
 * gains nothing.
 *
 * @param sender - as the kernel says; its pid is not 0
 * @param sent - the pidfd that came with the report; owned by this function
 * @param control - the control socket over which the report came; borrowed
 * @returns owned by the caller; `undefined` if the kernel has none, or no descriptor is free
 * @throws TypeError if `sent` is not the pidfd of the sender
 */
export function pidfdOf(
  { pid, uid }: Sender,
  sent: Descriptor | undefined,
  control: Descriptor,
): Descriptor | undefined {
  const actual = sent ? Pidfd.pidOf(sent) : 0
  if (sent && actual === pid) return sent
  if (actual > 0 || actual === -constants.errno.EINVAL) {
    sent!.close()
    throw new TypeError('it has sent a descriptor that is not its pidfd')
  }
  const own = Pidfd.open(pid, control)
  const hasEnded = binding.signal(pid, 0, control.fd, uid) === ESRCH
  const isDead = hasEnded && sent !== undefined && actual === 0
  if (!isDead) sent?.close()
  if (!hasEnded) return own
  own?.close()
  return isDead ? sent : undefined
}
