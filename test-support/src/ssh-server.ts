import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const SSHD = '/usr/sbin/sshd'
const HOST = '127.0.0.1'

/** Returns whether tests can start an OpenSSH server. With ANYFORK_PEERS=required, a missing one is a failure. */
export function hasSshServer(): boolean {
  const isInstalled = existsSync(SSHD) && spawnSync('ssh', ['-V']).status === 0
  return isInstalled || process.env['ANYFORK_PEERS'] === 'required'
}

/** An OpenSSH server of its own on the loopback interface, with keys made for it, that lets the user of the test in. */
export class SshServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
  #server: ChildProcess | undefined
  #port = 0

  async start(): Promise<void> {
    for (const name of ['host', 'user'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', this.#path(name)])
    copyFileSync(this.#path('user.pub'), this.#path('authorized_keys'))
    this.#port = await freePort()
    const hostKey = readFileSync(this.#path('host.pub'), 'utf8').split(' ', 2).join(' ')
    writeFileSync(this.#path('known_hosts'), `[${HOST}]:${this.#port} ${hostKey}\n`)
    const options = {
      Port: this.#port,
      ListenAddress: HOST,
      HostKey: this.#path('host'),
      AuthorizedKeysFile: this.#path('authorized_keys'),
      PidFile: 'none',
      StrictModes: 'no',
      UsePAM: 'no',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      PermitRootLogin: 'yes',
      LogLevel: 'INFO',
      MaxStartups: 100,
    }
    writeFileSync(
      this.#path('sshd_config'),
      Object.entries(options)
        .map(line => `${line.join(' ')}\n`)
        .join(''),
    )
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true }) // without it, sshd does not start as root
    const server = spawn(SSHD, ['-D', '-e', '-f', this.#path('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#server = server
    const log: string[] = []
    await new Promise<void>((resolve, reject) => {
      createInterface(server.stderr).on('line', line => {
        log.push(line)
        if (line.startsWith('Server listening')) resolve()
      })
      server.once('error', reject)
      server.once('close', code => reject(new Error(`sshd has exited with ${code}:\n${log.join('\n')}`)))
    })
  }

  /** Returns the command that runs words on this server: `ssh` with what it needs to connect. */
  command(...words: readonly string[]): string[] {
    const options = [
      'BatchMode=yes',
      'IdentitiesOnly=yes',
      'StrictHostKeyChecking=yes',
      `UserKnownHostsFile=${this.#path('known_hosts')}`,
    ]
    const flags = options.flatMap(option => ['-o', option])
    return ['ssh', '-F', 'none', '-i', this.#path('user'), '-p', String(this.#port), ...flags, HOST, ...words]
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server?.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit')
      server.kill()
      await exited
    }
    rmSync(this.#folder, { recursive: true })
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

/** Returns a port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
