import type { ChildProcess } from 'node:child_process'
import { accessSync } from 'node:fs'
import type { Descriptor, Handle } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { ForkError } from '../errors.js'
import { inheritableDescriptors } from '../inherited-descriptors.js'
import { forkableFlags, inheritedEnvironment, inheritedFlags, mainArguments } from '../interpreter.js'
import { resolveMode } from '../mode.js'
import { isPermitted } from '../proc.js'
import { spawnInterpreter } from '../spawn-interpreter.js'
import type { ExecOptions, StandardStream } from './exec-options.js'
import { lifeline } from './lifeline-pipe.js'
import { assertNoChain, ownInterpreter } from './own-interpreter.js'

/**
 * Starts an interpreter that takes orders and ends with this program.
 *
 * @param control - the interpreter's end of its control socket; borrowed
 * @throws `ERR_NO_INTERPRETER` if `execPath` is left out, and this program's own executable is not Node
 * @throws `ERR_NO_PROC` if there is no /proc
 * @throws `ENOENT` if there is no folder `cwd`, or the error of spawn(2) where it is known at once
 */
export function spawnTemplate(control: Descriptor, options: ExecOptions): ChildProcess {
  assertNoChain()
  assertProc()
  assertPermitted()
  const mode = resolveMode(options.mode)
  const {
    execPath = ownInterpreter(options.env ?? process.env),
    execArgv = inheritedFlags(process.execArgv),
    env = process.env,
    cwd,
    stdio = [],
    argv0,
    title = 'anyfork',
  } = options
  if (cwd !== undefined) accessSync(cwd) // the error of spawn(2) would name the interpreter instead
  const standard = [0, 1, 2].map(i => standardStream(stdio[i] ?? 'inherit'))
  const flags = mode === 'exec' ? execArgv : forkableFlags(execArgv, env)
  const child = spawnInterpreter(
    execPath,
    [...flags, ...mainArguments(mode, title, inheritableDescriptors())],
    { control, lifeline: lifeline() },
    {
      stdio: standard,
      env: inheritedEnvironment(env),
      ...(cwd === undefined ? {} : { cwd }),
      ...(argv0 === undefined ? {} : { argv0 }),
    },
  )
  child.unref()
  return child
}

/** @throws `ERR_NO_PROC` if no process could be ended together with this program */
function assertProc(): void {
  if (process.platform !== 'linux' || binding.ownPidInProc() >= 0) return
  throw new ForkError(
    'ERR_NO_PROC',
    'there is no /proc in which this program has a pid: mount it (mount -t proc proc /proc)',
  )
}

/** @throws `ERR_NOT_PERMITTED` if Node's permission model forbids processes: its own error does not always say so */
function assertPermitted(): void {
  if (!isPermitted('child'))
    throw new ForkError(
      'ERR_NOT_PERMITTED',
      'this program may not start processes: allow it with --allow-child-process',
    )
}

/** @param stream - no pipe: its end for the process takes its place */
function standardStream(stream: StandardStream): 'inherit' | 'ignore' | number {
  return stream === 'inherit' || stream === 'ignore' ? stream : descriptorNumber(stream as Handle)
}
