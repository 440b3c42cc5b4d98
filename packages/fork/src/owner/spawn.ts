import type { ChildProcess } from 'node:child_process'
import { accessSync } from 'node:fs'
import type { Descriptor, Handle } from '@anyfork/fdpass'
import { descriptorNumber } from '@anyfork/fdpass/internal'
import { chooseThreads, threadsArgument } from '../copied-threads.js'
import { inheritableDescriptors } from '../inherited-descriptors.js'
import { mainArguments } from '../interpreter.js'
import { forkableFlags, inheritedEnvironment, inheritedFlags } from '../interpreter-flags.js'
import { DEFAULT_MEMORY_POLICY } from '../memory-policy.js'
import { resolveMode } from '../mode.js'
import { spawnInterpreter } from '../spawn-interpreter.js'
import type { ExecOptions, StandardStream } from './exec-options.js'
import { lifeline } from './lifeline-pipe.js'
import { assertMayStart, ownInterpreter } from './own-interpreter.js'

/**
 * Starts an interpreter that takes orders and ends with this program.
 *
 * @param control - the interpreter's end of its control socket; borrowed
 * @throws `ERR_NO_INTERPRETER` if `execPath` is left out, and this program's own executable is not Node
 * @throws as `assertMayStart`
 * @throws `ENOENT` if there is no folder `cwd`, or the error of spawn(2) where it is known at once
 */
export function spawnTemplate(control: Descriptor, options: ExecOptions): ChildProcess {
  assertMayStart()
  const mode = resolveMode(options.mode)
  const {
    execPath = ownInterpreter(options.env ?? process.env),
    execArgv = inheritedFlags(process.execArgv),
    env = process.env,
    cwd,
    stdio = [],
    argv0,
    title = 'anyfork',
    memory = DEFAULT_MEMORY_POLICY,
  } = options
  if (cwd !== undefined) accessSync(cwd) // the error of spawn(2) would name the interpreter instead
  const standard = [0, 1, 2].map(i => standardStream(stdio[i] ?? 'inherit'))
  const choice = chooseThreads(mode === 'exec' ? 'one' : options.threads, execArgv, env)
  const flags = mode === 'exec' || choice.threads === 'all' ? execArgv : forkableFlags(execArgv, env)
  const child = spawnInterpreter(
    execPath,
    [
      ...flags,
      ...mainArguments({ mode, threads: threadsArgument(choice), memory, title, inherited: inheritableDescriptors() }),
    ],
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

/** @param stream - no pipe: its end for the process takes its place */
function standardStream(stream: StandardStream): 'inherit' | 'ignore' | number {
  return stream === 'inherit' || stream === 'ignore' ? stream : descriptorNumber(stream as Handle)
}
