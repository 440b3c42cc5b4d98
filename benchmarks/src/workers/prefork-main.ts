// A prefork server: SIGHUP reloads it.
import { prefork } from '@anyfork/fork-pool/prefork'

const { PORT, WORKERS, REUSE_PORT } = process.env
await prefork(new URL('./web-server.js', import.meta.url), {
  workers: Number(WORKERS),
  listen: { host: '127.0.0.1', port: Number(PORT), reusePort: REUSE_PORT === '1' },
})
