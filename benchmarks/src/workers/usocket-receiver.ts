import { closeSync } from 'node:fs'
import usocket from 'usocket'

/**
 * Receives `argv[2]` descriptors over descriptor 3 and closes them. Acknowledges every 100 with a byte, so that the
 * sender never fills the socket: usocket would lose descriptors.
 */
const count = Number(process.argv[2])
const socket = new usocket.USocket({ fd: 3 })
let received = 0
socket.on('readable', () => {
  for (let message = socket.read(null, null); message?.data || message?.fds.length; message = socket.read(null, null)) {
    for (const fd of message.fds) {
      closeSync(fd)
      if (++received % 100 === 0) socket.write(Buffer.from('x'))
      if (received === count) socket.end()
    }
  }
})
socket.read(0) // starts reading
