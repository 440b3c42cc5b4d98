import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { letterOf, until } from '@anyfork/test-support'

const program = fileURLToPath(new URL('../fixtures/peer.js', import.meta.url))

/** Options of `startPeer`. */
export interface PeerOptions {
  /** Shell commands to run before the peer starts, such as `ulimit -n 64`. */
  shell?: string
  /** The arguments of the part. */
  args?: string[]
  /** Where the peer's standard output goes: `'pipe'` to `output`, `'lines'` to `process.stdout` for the caller to read. */
  stdout?: 'inherit' | 'pipe' | 'lines'
}

/** A peer process. */
export interface Peer {
  /** The end of the connection that belongs to the caller. */
  socket: Descriptor
  process: ChildProcess
  exited: Promise<[code: number | null, signal: string | null]>
  /** The complete standard output of the peer, with the option `stdout: 'pipe'`. */
  output: Promise<string>
}

/** Starts a process that plays a part of fixtures/peer.ts with one end of a new connection. */
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
    output: stdout === 'pipe' ? text(child.stdout!) : Promise.resolve(''),
  }
}

/** Stops a peer, and waits until it has stopped. */
export async function untilStopped({ process }: Peer): Promise<void> {
  process.kill('SIGSTOP')
  await until(() => letterOf(process.pid!) === 'T')
}

/** Returns the first line that a peer writes to its standard output. Requires the option `stdout: 'lines'`. */
export async function firstLine({ process }: Peer): Promise<string> {
  const [line] = (await once(createInterface(process.stdout!), 'line')) as [string]
  return line
}
