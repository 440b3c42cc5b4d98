import type { Descriptor } from '@anyfork/fdpass'
import { FdPasser } from '@anyfork/fdpasser'
import { answer } from './answer.js'

// Answers each connection that arrives over descriptor 3.
const passer = new FdPasser({ fd: 3 })
const onConnection = (error: Error | undefined, connection?: Descriptor): void => {
  if (!connection) throw error!
  answer(connection.toSocket())
  passer.pushRecv(onConnection)
}
for (let i = 0; i < 100; i++) passer.pushRecv(onConnection)
