import { isLinux } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { ForkError } from '../errors.js'
import { STARTED_VARIABLE } from '../interpreter.js'
import { isPermitted } from '../proc.js'

/** Properties of `process` that only programs have whose executable is not Node. */
type Packed = NodeJS.Process & { pkg?: unknown; __nexe?: unknown }

/**
 * Returns the path of the interpreter that runs this program.
 *
 * @param env - the environment of the interpreter that is to be started
 * @throws `ERR_NO_INTERPRETER` if `process.execPath` would start this program again instead of a script
 */
export function ownInterpreter(env: NodeJS.ProcessEnv): string {
  const kind = kindOfExecutable(env)
  if (kind === undefined) return process.execPath
  throw new ForkError(
    'ERR_NO_INTERPRETER',
    `process.execPath is not Node, because this program is ${kind}: set the option execPath to the path of a Node.js interpreter`,
  )
}

/**
 * Checks that this program can start interpreters, and own them.
 *
 * @throws `ERR_NO_INTERPRETER` if this program was itself started in the place of an interpreter
 * @throws `ERR_NOT_PERMITTED` if Node's permission model forbids processes: its own error does not always say so
 * @throws `ERR_NO_PROC` if there is no /proc: interpreters could not be ended together with this program
 */
export function assertMayStart(): void {
  if (process.env[STARTED_VARIABLE] !== undefined)
    throw new ForkError(
      'ERR_NO_INTERPRETER',
      'this program was itself started as an interpreter for processes. If it is not a module that such an interpreter preloads, the program that has started it must set the option execPath to the path of a Node.js interpreter',
    )
  if (!isPermitted('child'))
    throw new ForkError(
      'ERR_NOT_PERMITTED',
      'this program may not start processes: allow it with --allow-child-process',
    )
  if (isLinux && binding.ownPidInProc() < 0)
    throw new ForkError(
      'ERR_NO_PROC',
      'there is no /proc in which this program has a pid: mount it (mount -t proc proc /proc)',
    )
}

/** Returns what this program is, if its executable is not Node. */
function kindOfExecutable(env: NodeJS.ProcessEnv): string | undefined {
  const { pkg, __nexe, versions } = process as Packed
  if (pkg !== undefined) return 'an executable made by pkg'
  if (__nexe !== undefined) return 'an executable made by nexe'
  if (versions['nw'] !== undefined) return 'an application of NW.js'
  if (versions['electron'] !== undefined && !env['ELECTRON_RUN_AS_NODE'])
    return 'an application of Electron, which acts as Node only with ELECTRON_RUN_AS_NODE=1 in the environment (option env)'
  return isSea() ? 'a single executable application' : undefined
}

function isSea(): boolean {
  const sea = process.getBuiltinModule('node:sea') as { isSea(): boolean } | undefined
  return sea?.isSea() ?? false
}
