import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect, ForkProcess, fd, rpcOf } from '@anyfork/fork-rpc'

const worker = connect<typeof import('./worker.js')>(ForkProcess.create(), new URL('./worker.js', import.meta.url), {
  async: true, // serves several connections at a time
})
let connections = 0

// This process accepts connections; the worker serves them. `pauseOnConnect` keeps this process from reading any bytes
// that belong to the worker.
const server = createServer({ pauseOnConnect: true }, async socket => {
  const greeted = worker.greet(fd(socket), `visitor ${++connections}`) // duplicates the descriptor at once
  socket.destroy() // closes only the descriptor of this process
  console.log(`connections served by the worker: ${await greeted}`)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')

const { port } = server.address() as AddressInfo
for (let i = 0; i < 2; i++) {
  const greeting = await text(connectTo(port, '127.0.0.1'))
  console.log(greeting.trim().replace(String(rpcOf(worker).pid), 'of the worker'))
}
server.close()

// In the other direction: the worker opens a file, and this process reads it.
const file = await worker.open('/etc/passwd')
const isSame = readFileSync(file.fd).equals(readFileSync('/etc/passwd'))
console.log(`the file that the worker has opened has the ${isSame ? 'expected' : 'wrong'} content`)
file.close()
await rpcOf(worker).close()
