import { readFileSync, statSync } from 'node:fs'
import type { Finding, OpenDescriptor } from '../check-report.js'
import { areAllThreadsCopied } from '../safety/all-threads.js'
import { getBaseline, openDescriptors } from '../safety/baseline.js'
import { socketsByInode } from './sockets.js'

/** The descriptors of event loops. */
const loopParts = new Set(['anon_inode:[eventpoll]', 'anon_inode:[eventfd]', 'anon_inode:[io_uring]'])
/** Other descriptors that a fork with all threads opens anew, besides pipes that have both ends in the process. */
const renewable = new Set(['anon_inode:[timerfd]', 'anon_inode:[signalfd]', 'anon_inode:inotify'])
/** The bits of the access mode of open(2) in the flags of proc_pid_fdinfo(5). */
const ACCESS_MODE = 0o3

/**
 * Describes all open descriptors of this process.
 *
 * @param own - the descriptors of this package
 */
export function describeDescriptors(own: ReadonlySet<number>): OpenDescriptor[] {
  const all = openDescriptors()
  const { descriptors: first } = getBaseline()
  const sockets = socketsByInode()
  // After a fork, libuv replaces the pipes by which it reports signals to itself.
  let renewed = [...first].filter(([fd, name]) => isPipeToItself(name, first) && all.get(fd) !== name).length
  return [...all].map(([fd, name]) => {
    const wasThere = first.get(fd) === name
    const isNodes =
      loopParts.has(name) ||
      (wasThere ? name === '/dev/null' || isPipeToItself(name, first) : isPipeToItself(name, all) && renewed-- > 0)
    const kind = kindOf(name)
    return {
      fd,
      kind,
      name,
      ...(kind === 'socket' ? sockets.get(Number(/\d+/.exec(name))) : {}),
      isWritable: isWritable(fd),
      origin: fd <= 2 ? 'standard' : own.has(fd) || isNodes ? 'own' : wasThere ? 'inherited' : 'opened',
    }
  })
}

/** Describes the open connections of this process that are neither standard streams nor in `own`. */
export function describeConnections(own: ReadonlySet<number>): string[] {
  return describeDescriptors(own)
    .filter(({ kind, origin, state }) => kind === 'socket' && origin === 'opened' && state === 'connected')
    .map(({ fd, remote }) => `a connection${remote === undefined ? '' : ` to ${remote}`} (descriptor ${fd})`)
}

/** Reports the descriptors that are neither standard streams nor Node's or this package's own, and that forks share. */
export function checkDescriptors(descriptors: readonly OpenDescriptor[]): Finding[] {
  return descriptors.flatMap(descriptor => {
    const { fd, origin } = descriptor
    if (origin === 'standard' || origin === 'own' || isRenewed(descriptor, descriptors)) return []
    const [severity, text, advice] = judge(descriptor)
    return [{ severity, topic: 'descriptor', subject: String(fd), text, advice }]
  })
}

/** Returns whether each fork has a file of its own there. */
function isRenewed({ kind, name }: OpenDescriptor, all: readonly OpenDescriptor[]): boolean {
  if (!areAllThreadsCopied()) return false
  const ends = all.filter(other => other.name === name).map(({ isWritable }) => isWritable)
  return kind === 'pipe' ? ends.includes(true) && ends.includes(false) : renewable.has(name)
}

type Judgement = [severity: Finding['severity'], text: string, advice: string]

const OPEN_LATER = 'open it in the child: in the function or in a hook of afterFork()'

function judge({ kind, name, state, local, remote, isWritable, origin }: OpenDescriptor): Judgement {
  const where = local === undefined ? '' : ` at ${local}`
  if (origin === 'inherited') {
    return [
      'warns',
      `${name} was inherited from the program that started this one, because it is not close-on-exec: every child inherits it as well`,
      'start the template before opening it, as @anyfork/fork/early does, or mark it close-on-exec',
    ]
  }
  if (kind === 'socket' && state === 'listening') {
    return [
      'notes',
      `a socket that listens${where}: all children accept its connections, which may be the intention or a mistake`,
      'close it in a hook of beforeFork(), unless children are meant to accept',
    ]
  }
  if (kind === 'socket' && state === 'connected') {
    return [
      'warns',
      `a connection${remote === undefined ? where : ` to ${remote}`}: all children share it and disturb each other`,
      `${OPEN_LATER}; close it in a hook of beforeFork()`,
    ]
  }
  if (kind === 'socket')
    return ['warns', `a socket${where}: all children share it, and any one of them gets each message`, OPEN_LATER]
  if (kind === 'pipe')
    return [
      'warns',
      `a pipe (${name}): all children share it, and it ends only when the last of them has closed it`,
      OPEN_LATER,
    ]
  if (kind === 'anonymous') return ['notes', `${name}: all children share it`, OPEN_LATER]
  if (kind === 'file' && isWritable)
    return ['warns', `${name}, open for writing: all children share it and its position`, OPEN_LATER]
  return ['notes', `${name}: all children share it and its position`, OPEN_LATER]
}

function isPipeToItself(name: string, all: ReadonlyMap<number, string>): boolean {
  return name.startsWith('pipe:') && [...all.values()].filter(other => other === name).length === 2
}

function kindOf(name: string): OpenDescriptor['kind'] {
  if (name.startsWith('socket:')) return 'socket'
  if (name.startsWith('pipe:')) return 'pipe'
  if (!name.startsWith('/')) return 'anonymous'
  try {
    const stat = statSync(name)
    if (stat.isFIFO()) return 'pipe'
    return stat.isDirectory() ? 'folder' : stat.isCharacterDevice() || stat.isBlockDevice() ? 'device' : 'file'
  } catch {
    return 'file' // deleted, or only in memory
  }
}

function isWritable(fd: number): boolean {
  try {
    const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & ACCESS_MODE) !== 0
  } catch {
    return false
  }
}
