import type { CopiedThreads } from './copied-threads.js'

/**
 * How much a finding matters. `'blocks'`: forks are rejected. `'warns'`: children share something that is rarely meant
 * to be shared. `'notes'`: good to know.
 */
export type Severity = 'blocks' | 'warns' | 'notes'

/** Something that a fork does not copy, or that children share. */
export interface Finding {
  /** How much it matters. */
  severity: Severity
  /** What kind of thing it is. */
  topic: 'platform' | 'thread' | 'request' | 'process' | 'handle' | 'descriptor' | 'output' | 'listener' | 'addon'
  /** The name of a thread or program, the number of a descriptor, the type of a handle, and so on. */
  subject: string
  /** What was found, and what it means for children. */
  text: string
  /** What to do about it. */
  advice: string
}

/** An open descriptor of a process. */
export interface OpenDescriptor {
  /** The number. It belongs to the checked process. */
  fd: number
  /** The kind of open file. */
  kind: 'file' | 'folder' | 'device' | 'socket' | 'pipe' | 'anonymous'
  /** A path, or the kernel's name: `pipe:[123]`, `anon_inode:inotify`. */
  name: string
  /** Only of sockets. */
  state?: 'listening' | 'connected' | 'unconnected'
  /** Only of sockets that have an address: a path or `host:port`. */
  local?: string
  /** Only of connected network sockets: the address of the peer. */
  remote?: string
  /** Whether the process may write to it. */
  isWritable: boolean
  /**
   * `'standard'`: standard input, output, or error. `'own'`: belongs to Node or to this package. `'inherited'`: was
   * open when the process started. `'opened'`: was opened by code since.
   */
  origin: 'standard' | 'own' | 'inherited' | 'opened'
}

/** A thread of a process. */
export interface ThreadReport {
  /** The kernel's thread id. */
  id: number
  /** The name that the kernel shows, at most 15 characters. */
  name: string
  /** Whether it blocks forks. Every thread does that forks would lack, except Node's own idle threads. */
  isForeign: boolean
}

/** The state of a process, as far as it matters to a fork. */
export interface CheckReport {
  /** Whether a fork would succeed now: no finding blocks it. */
  canFork: boolean
  /** The most severe first. */
  findings: Finding[]
  /** Which threads forks have. If the option was `'all'` and this is `'one'`, a finding says why. */
  copiedThreads: CopiedThreads
  /** The threads of the process. */
  threads: ThreadReport[]
  /** The number of active handles and requests by type, in Node's names. */
  resources: Record<string, number>
  /** The open descriptors of the process. */
  descriptors: OpenDescriptor[]
  /** The files of all loaded addons, and of the shared libraries that came with them. */
  addons: string[]
}
