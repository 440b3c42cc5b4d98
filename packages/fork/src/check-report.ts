/** How much a finding matters: a fork is refused; it works, but is rarely meant; it is good to know. */
export type Severity = 'blocks' | 'warns' | 'notes'

/** Something that a fork would not copy, or would share. */
export interface Finding {
  severity: Severity
  topic: 'platform' | 'thread' | 'request' | 'handle' | 'descriptor' | 'output' | 'listener' | 'addon'
  /** What it is about: the name of a thread, the number of a descriptor, a type of handle. */
  subject: string
  /** What it is and what a fork would make of it. */
  text: string
  /** What to do about it. */
  advice: string
}

/** An open descriptor of a process. */
export interface OpenDescriptor {
  fd: number
  kind: 'file' | 'folder' | 'device' | 'socket' | 'pipe' | 'anonymous'
  /** A path, or what the kernel calls it: `pipe:[123]`, `anon_inode:inotify`. */
  name: string
  /** Of a socket. */
  state?: 'listening' | 'connected' | 'unconnected'
  /** Of a socket: its address, a path or `host:port`, where it has one. */
  local?: string
  /** Of a connected socket with a network address. */
  remote?: string
  isWritable: boolean
  /** Standard input, output or error; Node's or this package's own; there when the process began; opened by code since. */
  origin: 'standard' | 'own' | 'inherited' | 'opened'
}

/** What a process is made of that matters to a fork. */
export interface CheckReport {
  /** Whether nothing blocks: a fork asked for now is not refused. */
  canFork: boolean
  /** The gravest first. */
  findings: Finding[]
  threads: { id: number; name: string; isForeign: boolean }[]
  /** How many of each type of handle and request are active, by Node's names. */
  resources: Record<string, number>
  descriptors: OpenDescriptor[]
  /** The files of all loaded addons. */
  addons: string[]
}
