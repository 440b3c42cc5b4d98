import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, ForkProcess, fd, rpcOf } from '@anyfork/fork-rpc'

const worker = connect<typeof import('./worker.js')>(ForkProcess.create(), new URL('./worker.js', import.meta.url), {
  async: true,
})

// Connections are accepted here, and answered there.
const server = createServer({ pauseOnConnect: true }, async socket => {
  const greeted = worker.greet(fd(socket), `visitor ${++visitors}`)
  socket.destroy() // the other process has it now
  console.log(`${await greeted} answered`)
})
let visitors = 0
server.listen(0, '127.0.0.1')
await once(server, 'listening')
for (let i = 0; i < 2; i++) {
  const answer = await text(connectTo((server.address() as AddressInfo).port, '127.0.0.1'))
  console.log(answer.trim().replace(String(rpcOf(worker).pid), 'of the worker'))
}
server.close()

// And a file that was opened there is read here.
const file = await worker.open('/etc/passwd')
console.log(readFileSync(file.fd).equals(readFileSync('/etc/passwd')))
file.close()
await rpcOf(worker).close()
