import { resolveMode } from './mode.js'
import type { ExecOptions } from './spawn.js'

/** @throws TypeError for what makes no sense, before anything is started */
export function checkExecOptions({ mode, execPath, execArgv, env, cwd, stdio, argv0, title, ...rest }: ExecOptions): void {
  for (const name of Object.keys(rest)) throw new TypeError(`exec() has no option ${name}`)
  resolveMode(mode)
  for (const [name, value] of Object.entries({ execPath, argv0, title })) {
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.includes('\0'))) throw new TypeError(`${name} is a text without zero bytes, not ${String(value)}`)
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every(flag => typeof flag === 'string'))) throw new TypeError('execArgv is a list of texts')
  if (env !== undefined && (typeof env !== 'object' || env === null)) throw new TypeError('env is an object')
  if (cwd !== undefined && typeof cwd !== 'string' && !(cwd instanceof URL)) throw new TypeError('cwd is a path or a file URL')
  if (stdio !== undefined && !(Array.isArray(stdio) && stdio.length <= 3)) throw new TypeError('stdio is a list of up to three')
}
