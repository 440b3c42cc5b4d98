import { constants } from 'node:os'
import { binding } from './binding.js'
import { aBoolean, anArray, anObject, checkArgument, checkOptions, type Expectation } from './check-options.js'
import { Descriptor } from './descriptor.js'
import type { Handle } from './handle.js'
import { sendMessage } from './message.js'
import { checked, systemError } from './system-error.js'

/** The longest message that systemd accepts, in bytes: NOTIFY_BUFFER_MAX. It ignores longer ones. */
const MOST_BYTES = 4096

/**
 * What a message to systemd says: the fields of sd_notify(3) with their values, such as `{ READY: 1, STATUS: 'serving' }`.
 */
export type SystemdFields = Readonly<Record<string, string | number | bigint>>

/** Options of `storeDescriptors`. */
export interface StoreOptions {
  /**
   * Let systemd remove a descriptor from the store as soon as it reports an error or the end of its peer
   * (`EPOLLERR`, `EPOLLHUP`). With `false`, it stays until it is removed (`FDPOLL=0`).
   *
   * @default true
   */
  poll?: boolean
}

const storeOptions = { poll: aBoolean }
const aFieldName: Expectation = {
  test: name => typeof name === 'string' && /^[A-Z][A-Z0-9_]*$/.test(name),
  text: 'of upper-case letters, digits, and underscores',
}
const aFieldValue: Expectation = {
  test: value =>
    typeof value === 'bigint' || Number.isSafeInteger(value) || (typeof value === 'string' && !value.includes('\n')),
  text: 'an integer or a string of one line',
}
const aFilledArray: Expectation = {
  test: value => Array.isArray(value) && value.length > 0,
  text: 'an array of at least one handle',
}
/** What systemd accepts as FDNAME, without the empty name. It ignores other names. */
const aStoredName: Expectation = {
  test: name => typeof name === 'string' && /^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name),
  text: 'a string of 1 to 255 printable ASCII characters without a colon',
}

/**
 * Tells systemd about this service, such as that it is ready. Follows sd_pid_notify_with_fds(3).
 *
 * A service unit of `Type=notify` waits for `{ READY: 1 }`. `{ RELOADING: 1 }` also sends `MONOTONIC_USEC`, which
 * `Type=notify-reload` requires. systemd accepts messages of the main process only, unless the unit has another
 * `NotifyAccess=`. It does not answer. Waits for room if systemd has not read earlier messages.
 *
 * @param fields - see `SystemdFields`
 * @param handles - descriptors to send along, for the fields that need them; borrowed
 * @returns false, without sending anything, if `NOTIFY_SOCKET` is not set: systemd does not expect messages
 * @throws TypeError if a field is invalid, or `handles` is not an array of handles
 * @throws RangeError if the message is longer than systemd accepts, or there are more than `MAX_DESCRIPTORS` handles
 * @throws SystemError `EAFNOSUPPORT` if `NOTIFY_SOCKET` is neither an absolute path nor an abstract name; `ENOENT` or
 *   `ECONNREFUSED` if systemd is not there; the codes of `send`
 */
export function notifySystemd(fields: SystemdFields, handles: readonly Handle[] = []): boolean {
  checkArgument('the fields of notifySystemd()', fields, anObject)
  checkArgument('handles', handles, anArray)
  const message = messageOf(fields)
  const address = process.env['NOTIFY_SOCKET']
  if (!address) return false
  if (!/^[/@]/.test(address)) throw systemError(-constants.errno.EAFNOSUPPORT, 'NOTIFY_SOCKET')
  const path = Buffer.from(address.replace(/^@/, '\0'))
  const socket = new Descriptor(checked(binding.connect(path, binding.SOCK_DGRAM), 'connect'))
  try {
    sendMessage(socket, message, handles)
  } finally {
    socket.close()
  }
  return true
}

/**
 * Gives descriptors to systemd, which keeps them while the service restarts and passes them to its next process; there,
 * `systemdDescriptors` returns them. The unit must allow it with `FileDescriptorStoreMax=`; systemd closes what it cannot
 * store, and does not report it. A descriptor that is stored already is not stored again.
 *
 * @param name - what `systemdDescriptors` returns as their name, 1 to 255 printable ASCII characters without a colon
 * @param handles - at least one; borrowed
 * @param options - see `StoreOptions`
 * @returns as `notifySystemd`
 * @throws as `notifySystemd`
 */
export function storeDescriptors(name: string, handles: readonly Handle[], options: StoreOptions = {}): boolean {
  checkOptions('storeDescriptors()', options, storeOptions)
  checkArgument('name', name, aStoredName)
  checkArgument('handles', handles, aFilledArray)
  const { poll = true } = options
  return notifySystemd({ FDSTORE: 1, FDNAME: name, ...(poll ? {} : { FDPOLL: 0 }) }, handles)
}

/**
 * Lets systemd close all descriptors that were stored with a name.
 *
 * @returns as `notifySystemd`
 * @throws as `notifySystemd`
 */
export function removeStoredDescriptors(name: string): boolean {
  checkArgument('name', name, aStoredName)
  return notifySystemd({ FDSTOREREMOVE: 1, FDNAME: name })
}

function messageOf(fields: SystemdFields): Buffer {
  const lines = Object.entries(fields).map(([name, value]) => {
    checkArgument('the name of a field of notifySystemd()', name, aFieldName)
    checkArgument(`field ${name} of notifySystemd()`, value, aFieldValue)
    return `${name}=${value}`
  })
  if (!lines.length) throw new TypeError('the fields of notifySystemd() must have at least one field')
  if (String(fields['RELOADING']) === '1' && fields['MONOTONIC_USEC'] === undefined)
    lines.push(`MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  const message = Buffer.from(lines.join('\n'))
  if (message.length > MOST_BYTES) throw new RangeError(`a message to systemd has room for ${MOST_BYTES} bytes`)
  return message
}
