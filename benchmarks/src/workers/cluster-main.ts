// A server of node:cluster: SIGHUP replaces its workers one after the other.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

cluster.setupPrimary({ exec: fileURLToPath(new URL('./web-server-worker.js', import.meta.url)) })
for (let i = 0; i < Number(process.env['WORKERS']); i++) cluster.fork()

process.on('SIGHUP', async () => {
  for (const old of Object.values(cluster.workers!)) {
    await once(cluster.fork(), 'listening')
    old!.disconnect()
  }
})
