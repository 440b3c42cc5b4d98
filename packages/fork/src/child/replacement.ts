import { fstatSync, readSync, writeSync } from 'node:fs'
import { Descriptor, dup, type Handle, setCloseOnExec } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'
import { inheritableDescriptors } from '../inherited-descriptors.js'
import { mainArguments } from '../interpreter.js'
import { withoutForkingFlags } from '../interpreter-flags.js'
import { workingDirectory } from '../module-specifier.js'
import type { Frame } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'
import type { Lifeline } from '../safety/lifeline.js'
import { memoryPolicy } from '../safety/memory-policy.js'
import { finishReplays, started } from './replay.js'
import { getTitlePrefix } from './title.js'

/** What an interpreter gets that takes the place of a process. */
export interface Inheritance {
  /** The orders to carry out. */
  orders: Frame<Descriptor>[]
  /** Why the process was replaced. */
  obstacle: string
}

/**
 * Replaces the program of this process by an interpreter. The process keeps its pid, its parent, and its children. The
 * kernel ends it when its lifeline ends, from its first step on: what is armed for the pid stays armed.
 *
 * @param control - its control socket; borrowed
 * @param lifeline - its lifeline; borrowed
 * @throws the error of memfd_create(2), write(2), or execve(2), and `EMFILE`; the process then goes on as it was
 */
export function replaceByInterpreter(control: Handle, lifeline: Lifeline, { orders, obstacle }: Inheritance): never {
  const copies: Descriptor[] = []
  const here = workingDirectory()
  const own = (descriptor: Descriptor): Descriptor => {
    copies.push(descriptor)
    return descriptor
  }
  const number = (handle: Handle): number => own(dup(handle)).fd
  try {
    finishReplays()
    const inherited = inheritableDescriptors()
    const frames = orders.map(frame => ({ ...frame, descriptors: frame.descriptors.map(number) }))
    const file = memoryFile()
    own(file)
    writeAll(file.fd, encode({ frames, obstacle }))
    const numbers = [number(control), number(lifeline.own ?? lifeline.shared), file.fd]
    for (const { fd } of copies) setCloseOnExec(fd, false)
    keepStandardStreams()
    if (started.cwd !== undefined && started.cwd !== here) process.chdir(started.cwd)
    const args = [
      ...withoutForkingFlags(process.execArgv),
      ...mainArguments(
        { mode: 'exec', threads: 'one', memory: memoryPolicy(), title: getTitlePrefix(), inherited },
        numbers,
      ),
    ]
    const environment = Object.entries(started.env).map(([name, value]) => `${name}=${value}`)
    throw systemError(binding.execute([process.execPath], [process.argv0, ...args], environment), 'execve')
  } catch (error) {
    if (here !== undefined) process.chdir(here)
    throw error
  } finally {
    for (const copy of copies) copy.close()
  }
}

/** Reads what `replaceByInterpreter` has left in a file. The caller owns the descriptors. */
export function readInheritance(file: Descriptor): Inheritance {
  const bytes = Buffer.allocUnsafeSlow(fstatSync(file.fd).size)
  for (let at = 0; at < bytes.length; ) at += readSync(file.fd, bytes, at, bytes.length - at, at)
  file.close()
  const { frames, obstacle } = decode<{ frames: Frame<number>[]; obstacle: string }>(bytes)
  const open = (fd: number): Descriptor => {
    setCloseOnExec(fd, true)
    return new Descriptor(fd)
  }
  return { orders: frames.map(frame => ({ ...frame, descriptors: frame.descriptors.map(open) })), obstacle }
}

/** Lets the interpreter inherit them: libuv makes those that are terminals close-on-exec when code uses them. */
function keepStandardStreams(): void {
  for (const fd of [0, 1, 2]) {
    try {
      setCloseOnExec(fd, false)
    } catch {
      // code has closed it
    }
  }
}

function memoryFile(): Descriptor {
  const fd = binding.memoryFile()
  if (fd < 0) throw systemError(fd, 'memfd_create')
  return new Descriptor(fd)
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}
