import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Descriptor, socketpair } from '@anyfork/fdpass'

const program = fileURLToPath(new URL('../fixtures/peer.js', import.meta.url))

export interface PeerOptions {
  /** Commands of the shell before the peer is started, such as `ulimit -n 64`. */
  shell?: string
  args?: string[]
  /** Where its standard output goes; `'pipe'`: into `said`; `'lines'`: to be read from `process.stdout`. */
  stdout?: 'inherit' | 'pipe' | 'lines'
}

export interface Peer {
  socket: Descriptor
  process: ChildProcess
  exited: Promise<[code: number | null, signal: string | null]>
  /** All that it has written to its standard output. */
  said: Promise<string>
}

/** Another process that plays a part of fixtures/peer.ts with one end of a new connection; the other end is the caller's. */
export function startPeer(part: string, { shell = ':', args = [], stdout = 'inherit' }: PeerOptions = {}): Peer {
  const [ours, theirs] = socketpair()
  const child = spawn('sh', ['-c', `${shell}; exec "$@"`, 'sh', process.execPath, program, part, ...args], {
    stdio: ['ignore', stdout === 'inherit' ? 'inherit' : 'pipe', 'inherit', theirs.fd],
  })
  theirs.close()
  return {
    socket: ours,
    process: child,
    exited: once(child, 'exit') as Peer['exited'],
    said: stdout === 'pipe' ? text(child.stdout!) : Promise.resolve(''),
  }
}
