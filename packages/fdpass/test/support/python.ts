import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type Descriptor, read, sendMessage, socketpair } from '@anyfork/fdpass'
import { after, before, type Context } from 'mocha'

/** Flags with which Python starts in half the time, because it does not look for packages. */
export const pythonFlags = ['-I', '-S']

/** Receives programs with their sockets over descriptor 3, runs each, and answers with its error, or with `ok`. */
const server = `
import array, os, socket, struct
control = socket.socket(fileno=3)
while True:
    program, fds, _, _ = socket.recv_fds(control, 1 << 16, 2)
    if not program: break
    sockets = {name: socket.socket(fileno=fd) for name, fd in zip("st", fds)}
    try:
        exec(program, {"array": array, "os": os, "socket": socket, "struct": struct, **sockets})
        answer = "ok"
    except BaseException as error:
        answer = repr(error)
    del sockets
    control.send(answer.encode())
`

let isInstalled: boolean | undefined

/** Skips the tests of a suite if there is no Python. With ANYFORK_PEERS=required, a missing Python is a failure. */
export function needsPython(this: Context): void {
  isInstalled ??=
    process.env['ANYFORK_PEERS'] === 'required' ||
    spawnSync('python3', [...pythonFlags, '-c', 'import socket; socket.send_fds']).status === 0
  if (!isInstalled) this.skip()
}

/**
 * Starts a Python process for the tests of a suite, or skips them if there is no Python.
 *
 * @returns runs a program in that process to its end; in the program, the sockets are named `s` and `t`
 */
export function usePython(): (program: string, ...sockets: Descriptor[]) => void {
  let control: Descriptor
  let ended: Promise<unknown>
  before(needsPython)
  before(() => {
    const [ours, theirs] = socketpair({ type: 'seqpacket' })
    const python = spawn('python3', [...pythonFlags, '-c', server], {
      stdio: ['ignore', 'inherit', 'inherit', theirs.fd],
    })
    ended = once(python, 'exit')
    theirs.close()
    control = ours
  })
  after(async () => {
    control?.close()
    await ended
  })
  return (program, ...sockets) => {
    sendMessage(control, Buffer.from(program), sockets)
    const answer = Buffer.alloc(1 << 16)
    assert.equal(answer.toString('utf8', 0, read(control, answer)), 'ok')
  }
}
