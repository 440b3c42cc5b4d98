import { prefork } from '@anyfork/fork-pool/prefork'

const { WORKERS = '2', PORT = '8080', HOST = '127.0.0.1', REUSE_PORT } = process.env

const server = await prefork(new URL('./server.js', import.meta.url), {
  workers: Number(WORKERS),
  listen: { port: Number(PORT), host: HOST, reusePort: REUSE_PORT === '1' },
  done: 'close',
  onWorker: ({ id, pid, state, generation }) => console.log(`worker ${id} ${state}, pid ${pid}, reload ${generation}`),
})
console.log('listening', server.address, 'pid', process.pid)
