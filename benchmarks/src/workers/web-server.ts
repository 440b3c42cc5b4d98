import { appendFileSync } from 'node:fs'
import type { Server } from 'node:http'
import fastify from 'fastify'

const app = fastify()
app.get('/', async () => ({ hello: 'world' }))
await app.ready()

/** Returns the server of a worker. When it listens, it appends a byte to the file that READY_FILE names. */
export default function makeServer(): Server {
  return app.server.once('listening', () => appendFileSync(process.env['READY_FILE']!, '.'))
}
