import { type Descriptor, peerCredentials } from '@anyfork/fdpass'
import { FdPasser } from '@anyfork/fdpasser'
import { Control, PROTOCOL } from './control.js'
import type { CountingServer, HeldConnection } from './counting-server.js'

/** Options of `handOver`. */
export interface HandOverOptions {
  version: number
  /** How long the handshake may take, in milliseconds. */
  timeout: number
}

/** The new version, which serves now. */
export interface Successor {
  version: number
  /** Passes on a connection, which it takes over. */
  pass(held: HeldConnection): void
  /** Resolves when the other process has everything. */
  close(): Promise<void>
}

/**
 * Hands over the listener and the connections to the process that has connected to the path.
 *
 * @param connection - of the other process; taken over
 * @param door - the socket at the path; borrowed
 * @returns resolves when the other process has taken over
 * @throws rejects if it has not, for any reason: then the server goes on here as if nothing had happened
 */
export async function handOver(
  connection: Descriptor,
  door: Descriptor,
  server: CountingServer,
  { version, timeout }: HandOverOptions,
): Promise<Successor> {
  if (peerCredentials(connection).uid !== process.getuid!()) {
    connection.close()
    throw new Error('a process of another user has asked')
  }
  const passer = new FdPasser({ fd: connection })
  let control: Control | undefined
  let hasTimedOut = false
  const timer = setTimeout(() => {
    hasTimedOut = true
    if (control) control.stopReceiving()
    else passer.destroy()
  }, timeout)
  try {
    control = new Control(await passer.pushRecv())
    const hello = await control.receive('hello')
    if (hello.protocol !== PROTOCOL) {
      control.sendNow('refusal', { reason: `version ${version} speaks protocol ${PROTOCOL}` })
      throw new Error(`version ${hello.version} speaks protocol ${hello.protocol}, not ${PROTOCOL}`)
    }
    control.send('offer', { protocol: PROTOCOL, version })
    for (const socket of [server.listener, door]) lend(passer, socket)
    await control.receive('ready')

    const held = server.stop()
    try {
      control.send('connections', { states: held.map(({ state }) => state) })
      for (const { descriptor } of held) lend(passer, descriptor)
      await control.receive('taking')
    } catch (error) {
      passer.destroy()
      server.resume(held)
      throw error
    }
    for (const { descriptor } of held) descriptor.close()
    return successorOf(control, passer, hello.version)
  } catch (error) {
    passer.destroy()
    control?.destroy()
    throw hasTimedOut ? new Error(`no take-over within ${timeout} ms`) : error
  } finally {
    clearTimeout(timer)
  }
}

function successorOf(control: Control, passer: FdPasser, version: number): Successor {
  return {
    version,
    pass({ descriptor, state }) {
      control.send('connections', { states: [state] })
      passer.pushSend(descriptor).catch(() => {}) // the successor has crashed, and the connection ends
    },
    async close() {
      await passer.close()
      control.close()
    },
  }
}

/** Sends a descriptor, and keeps this process's own. A failure shows when the other process does not answer. */
function lend(passer: FdPasser, descriptor: Descriptor): void {
  passer.pushSend(descriptor, { keep: true }).catch(() => {})
}
