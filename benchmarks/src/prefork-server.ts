import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Benchmark } from './harness/benchmark.js'
import { putUnderLoad } from './harness/load-generator.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { startWebServer } from './peers/web-servers.js'

const WORKERS = 8
const CONNECTIONS = 50

export const benchmark: Benchmark = {
  title: `How long does a prefork web server take until ${WORKERS} workers serve?`,
  method: `Starts a program with ${WORKERS} workers, which serve with Fastify on one port. Milliseconds: until all of them listen. PSS: of the program and all its processes before the first request. Then ${CONNECTIONS} clients with keep-alive connections (autocannon) send requests for a while, without and with a reload. Errors: requests that failed meanwhile.`,
  isHigherBetter: false,
  timeoutMs: 180_000,
  subjects: [
    { name: '@anyfork/fork-pool/prefork', peer: 'prefork' },
    ...(canReusePort() ? [{ name: '@anyfork/fork-pool/prefork, reusePort', peer: 'prefork-reuse-port' }] : []),
    { name: 'node:cluster', peer: 'cluster' },
    { name: 'PM2', peer: 'pm2', needs: 'pm2' },
  ],
  settings: () => [{ framework: 'fastify' }],
  async measure({ peer }, _setting, isQuick) {
    const workers = isQuick ? 2 : WORKERS
    const load = isQuick ? { seconds: 1, connections: 2 } : { seconds: 3, connections: CONNECTIONS }
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-'))
    try {
      const readyFile = join(folder, 'ready')
      writeFileSync(readyFile, '')
      const untilReady = async (count: number): Promise<void> => {
        while (statSync(readyFile).size < count) await setTimeout(1)
      }
      const port = await freePort()
      const startedAt = performance.now()
      const server = startWebServer(peer, { READY_FILE: readyFile, PORT: `${port}`, WORKERS: `${workers}` })
      await untilReady(workers)
      const milliseconds = performance.now() - startedAt
      await setTimeout(isQuick ? 10 : 1000)
      const pssMebibytes = await pssBelow()
      const url = `http://127.0.0.1:${port}`
      const { requestsPerSecond } = await putUnderLoad(url, load)
      const reloaded = setTimeout(200).then(() => server.reload()) // when the clients have begun
      const { errors } = await putUnderLoad(url, load)
      await reloaded
      await untilReady(2 * workers)
      return { milliseconds, pssMebibytes, requestsPerSecond, errorsDuringReload: errors }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** Returns the PSS of all processes below this one, in MiB. */
async function pssBelow(): Promise<number> {
  const tree = await treeMemory()
  tree.delete(process.pid)
  return totalPss(tree)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

function canReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
}
