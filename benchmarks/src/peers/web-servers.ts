import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A web server that has been started as a program of its own. */
export interface WebServer {
  /** Begins to replace all workers. */
  reload(): Promise<unknown>
}

const programOf = (name: string): string => fileURLToPath(new URL(`../workers/${name}.js`, import.meta.url))

/**
 * Starts a server as the peer documents it.
 *
 * @param env - READY_FILE, PORT, and WORKERS; see `workers/web-server.ts`
 */
export function startWebServer(peer: string, env: Record<string, string>): WebServer {
  if (peer === 'pm2') return startPm2(env)
  const program = programOf(peer === 'cluster' ? 'cluster-main' : 'prefork-main')
  const variables = peer === 'prefork-reuse-port' ? { ...env, REUSE_PORT: '1' } : env
  const child = start(process.execPath, [program], variables)
  return { reload: async () => child.kill('SIGHUP') }
}

/** `pm2-runtime` keeps the daemon of PM2 below this process, so that its memory counts, and it ends with the sample. */
function startPm2(env: Record<string, string>): WebServer {
  const variables = { ...env, PM2_HOME: `${env['READY_FILE']}-pm2` }
  start('pm2-runtime', ['start', programOf('web-server-worker'), '-i', env['WORKERS']!], variables)
  return { reload: () => promisify(execFile)('pm2', ['reload', 'all'], { env: { ...process.env, ...variables } }) }
}

function start(command: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] })
}
