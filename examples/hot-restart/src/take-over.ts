import { type Descriptor, socketKind } from '@anyfork/fdpass'
import { connect, FdPasser, socketpair } from '@anyfork/fdpasser'
import { Control, PROTOCOL } from './control.js'
import type { HeldConnection } from './counting-server.js'

/** The running version, which waits for `take`. */
export interface Predecessor {
  version: number
  /** Its listener, and the socket at the path; the caller owns them. */
  listener: Descriptor
  door: Descriptor
  /**
   * Takes over. Call this when everything is ready to serve: clients wait meanwhile.
   *
   * @returns the connections; the caller owns them and serves them from now on
   * @throws rejects if the running version has given up; it then goes on, and this process must end
   */
  take(): Promise<HeldConnection[]>
  /** Yields the connections that come later, until the other process has none left. The caller owns them. */
  later(): AsyncGenerator<HeldConnection, void>
}

/** Options of `findPredecessor`. */
export interface PredecessorOptions {
  version: number
  /** Replace a newer version, too. */
  allowsDowngrade: boolean
}

/**
 * Asks the version that runs at a path to hand over to this process. Until `take` resolves, the other one goes on as if nothing
 * had happened whenever this process ends.
 *
 * @returns `undefined` if no version is running
 * @throws rejects if this version cannot or must not replace the other one
 */
export async function findPredecessor(path: string, options: PredecessorOptions): Promise<Predecessor | undefined> {
  let connection: Descriptor
  try {
    connection = await connect(path)
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes((error as NodeJS.ErrnoException).code!)) return undefined
    throw error
  }
  const passer = new FdPasser({ fd: connection })
  const [ours, theirs] = socketpair()
  const control = new Control(ours)
  await passer.pushSend(theirs)
  control.send('hello', { protocol: PROTOCOL, version: options.version })
  const { protocol, version } = await control.receive('offer')
  if (protocol !== PROTOCOL) throw new Error(`the running version speaks protocol ${protocol}, not ${PROTOCOL}`)
  if (version > options.version && !options.allowsDowngrade)
    throw new Error(`version ${version} is running, which is newer than ${options.version}`)
  const [listener, door] = [await passer.pushRecv(), await passer.pushRecv()]
  for (const socket of [listener, door])
    if (!socketKind(socket).isListening) throw new Error('the running version has sent a socket that does not listen')

  return {
    version,
    listener,
    door,
    async take() {
      control.send('ready', {})
      const { states } = await control.receive('connections')
      const connections: HeldConnection[] = []
      for (const state of states) connections.push({ descriptor: await passer.pushRecv(), state })
      control.sendNow('taking', {}) // from here on, this process serves, and the other one does not
      return connections
    },
    async *later() {
      for (;;) {
        const message = await control.receiveOrEnd('connections')
        if (!message) break
        for (const state of message.states) yield { descriptor: await passer.pushRecv(), state }
      }
      passer.destroy()
    },
  }
}
