import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Returns whether the tests can start a Redis. With ANYFORK_PEERS=required, a missing one is a failure. */
export function hasRedis(): boolean {
  return process.env['ANYFORK_PEERS'] === 'required' || spawnSync('redis-server', ['--version']).status === 0
}

/** A Redis of its own, with a socket in a temporary folder, that keeps nothing. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
  #child: ChildProcess | undefined

  /** The path of its socket. */
  readonly socket: string = join(this.#folder, 'redis.sock')

  async start(): Promise<void> {
    const options = ['--port', '0', '--unixsocket', this.socket, '--save', '', '--appendonly', 'no']
    const child = spawn('redis-server', [...options, '--dir', this.#folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    const failed = once(child, 'exit').then(([code]) => {
      throw new Error(`redis-server has exited with ${code}`)
    })
    failed.catch(() => {}) // later on, its exit is expected
    const listening = new Promise<void>(resolve => {
      createInterface(child.stdout).on('line', line => line.includes('ready to accept connections at') && resolve())
    })
    await Promise.race([listening, failed])
  }

  async stop(): Promise<void> {
    if (this.#child?.exitCode === null) {
      const exited = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exited
    }
    rmSync(this.#folder, { recursive: true })
  }
}
