import { constants } from 'node:os'
import { aBoolean, checkOptions } from './check-options.js'
import { Descriptor, isCloseOnExec, setCloseOnExec } from './descriptor.js'
import { MOST_NUMBER } from './handle.js'
import { systemError } from './system-error.js'

/** The first number that systemd gives a descriptor: SD_LISTEN_FDS_START. */
const FIRST = 3
const VARIABLES = ['LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDS', 'LISTEN_FDNAMES']

/** A descriptor that systemd has passed to this process. */
export interface SystemdDescriptor {
  /**
   * Its name: the name given to `storeDescriptors`, or `FileDescriptorName=` of the socket unit, by default the name of
   * that unit. Several descriptors may have the same name. `'unknown'` if systemd passed no names.
   */
  name: string
  /** The descriptor, close-on-exec; the caller owns it. */
  descriptor: Descriptor
}

/** Options of `systemdDescriptors`. */
export interface SystemdDescriptorsOptions {
  /**
   * Leave the variables in `process.env`. The next call then returns the same descriptors once more: close those of one
   * call only.
   *
   * @default false
   */
  keepEnvironment?: boolean
}

const systemdDescriptorsOptions = { keepEnvironment: aBoolean }

/**
 * Takes over the descriptors that systemd has passed to this process: the listeners of its socket units, and the
 * descriptors of `storeDescriptors`. Makes them close-on-exec, and removes the variables that announce them from
 * `process.env`, also if it throws. Follows sd_listen_fds_with_names(3).
 *
 * @param options - see `SystemdDescriptorsOptions`
 * @returns the descriptors in systemd's order; none if systemd has passed none, or has passed them to another process,
 *   such as a shell or npm that has started this one
 * @throws TypeError if an option is invalid
 * @throws SystemError `EINVAL` if `LISTEN_PID` or `LISTEN_FDS` is not a number above 0, or if there are more or fewer
 *   names than descriptors; `EBADF` if one of the descriptors is not open. This process then owns none of them.
 */
export function systemdDescriptors(options: SystemdDescriptorsOptions = {}): SystemdDescriptor[] {
  checkOptions('systemdDescriptors()', options, systemdDescriptorsOptions)
  const { keepEnvironment = false } = options
  try {
    const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = process.env
    if (pid === undefined || positive('LISTEN_PID', pid) !== process.pid || count === undefined) return []
    return takeOver(positive('LISTEN_FDS', count), names)
  } finally {
    if (!keepEnvironment) for (const name of VARIABLES) delete process.env[name]
  }
}

function takeOver(count: number, joined: string | undefined): SystemdDescriptor[] {
  const names = joined?.split(':')
  if (names && names.length !== count) throw invalid('LISTEN_FDNAMES has more or fewer names than LISTEN_FDS says')
  // Checks each one before changing any. The first that is not open throws EBADF, so a high count does no harm.
  for (let i = 0; i < count; i++) isCloseOnExec(FIRST + i)
  return Array.from({ length: count }, (_, i) => {
    setCloseOnExec(FIRST + i, true)
    return { name: names?.[i] ?? 'unknown', descriptor: new Descriptor(FIRST + i) }
  })
}

function positive(name: string, value: string): number {
  const number = /^[0-9]{1,10}$/.test(value) ? Number(value) : 0
  if (number < 1 || number > MOST_NUMBER - FIRST) throw invalid(`${name} is not a number above 0`)
  return number
}

function invalid(what: string): Error {
  return systemError(-constants.errno.EINVAL, what)
}
