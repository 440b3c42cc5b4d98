import type { MakeServer } from '@anyfork/fork-pool/prefork'
import fastify from 'fastify'

const app = fastify()
app.get('/', async () => ({ hello: 'world', pid: process.pid }))
await app.ready() // the template loads and prepares everything once, and the workers share it

/** Called in each worker. */
const makeServer: MakeServer = () => app.server
export default makeServer

/** Called in each worker after its last connection: runs the `onClose` hooks, such as those of a database. */
export const close = async (): Promise<void> => app.close()
