import { fstatSync } from 'node:fs'
import { Script } from 'node:vm'
import { Descriptor, type Handle } from '@anyfork/fdpass'
import { anInteger, checkArgument, descriptorNumber, type Expectation } from '@anyfork/fdpass/internal'
import {
  functionReference,
  lookUpFolder,
  type ModuleSpecifier,
  resolveSpecifier,
  workingDirectory,
} from '../module-specifier.js'
import { Command } from '../protocol/frame.js'
import { encode } from '../protocol/payload.js'
import { checkRestrictions, type Restrictions } from '../restrictions.js'
import type { ProcessHandle } from './process-handle.js'

const anArray: Expectation = { test: value => Array.isArray(value), text: 'an array' }
const someCode: Expectation = {
  test: value => typeof value === 'string' || typeof value === 'function',
  text: 'a string or a function',
}

/** The orders that prepare a process for its function and its forks: each is queued, and returns the process at once. */
export abstract class ProcessOrders {
  protected readonly processHandle: ProcessHandle
  protected hasRun = false
  protected isClosing = false
  protected isHandedOver = false

  protected constructor(processHandle: ProcessHandle) {
    this.processHandle = processHandle
  }

  /**
   * Loads modules, ES modules and CommonJS alike.
   *
   * @param modules - file URLs, absolute paths or names; names are looked up from this program's working directory
   * @throws TypeError for what names no module, a relative path, and after `run` or `close`; the kernel's error for a name where that directory was removed
   */
  require(...modules: ModuleSpecifier[]): this {
    const specifiers = modules.map(resolveSpecifier)
    return this.#order('require', Command.require, { modules: specifiers, folder: lookUpFolder(...specifiers) })
  }

  /**
   * Runs code in the global scope; the next order waits for it, and for the promise it returns.
   *
   * @param code - a script, or a function that needs nothing from around it; names that it imports are looked up from this
   *   program's working directory, unless that was removed
   * @param args - for the function, or for the function that the script evaluates to; see `sendArg`
   * @throws TypeError for a function whose source does not stand alone, such as a method or a bound one
   */
  eval<A extends unknown[]>(code: string | ((...args: A) => unknown), ...args: A): this {
    checkArgument('code', code, someCode)
    const isFunction = typeof code === 'function'
    return this.#order('eval', Command.eval, {
      code: isFunction ? sourceOf(code) : code,
      args,
      call: isFunction || args.length > 0,
      folder: workingDirectory(),
    })
  }

  /**
   * Gives the function arguments.
   *
   * @param values - whatever V8's structured clone takes: plain values, buffers, maps, dates, errors
   * @throws TypeError for a value that cannot be cloned, and for a `Descriptor`, which `sendFd` sends; nothing is sent then
   */
  sendArg(...values: unknown[]): this {
    if (values.some(value => value instanceof Descriptor))
      throw new TypeError('a value must not be a Descriptor: use sendFd()')
    return this.#order('sendArg', Command.argument, values)
  }

  /**
   * Gives the function descriptors, each an argument of its own, as a `Descriptor`.
   *
   * @param handles - the caller still owns them and may close them at once
   * @throws TypeError for what has no descriptor, `EBADF` for what is not open; nothing is sent then. The kernel's error for
   *   what it does not pass, as an io_uring: where the order has to wait for others, it rejects `ready` and `run` instead
   */
  sendFd(...handles: Handle[]): this {
    this.assertOpen('sendFd')
    for (const handle of handles) fstatSync(descriptorNumber(handle))
    for (const handle of handles) this.processHandle.order(Command.descriptor, undefined, [handle])
    return this
  }

  /**
   * Restricts what the process may use and do, and with it all that it forks from then
   * on. In a process that goes on to be a template, mind that not all can be undone.
   *
   * @throws TypeError for what makes no sense; `EPERM` and the like reject `ready` and `run`
   */
  restrict(restrictions: Restrictions): this {
    checkRestrictions(restrictions)
    return this.#order('restrict', Command.restrict, restrictions)
  }

  /**
   * Lets the process live on after this program has ended, from when its function runs;
   * until then, and without this, it ends with this program. So do its forks. A copy that
   * `refork` makes is to be told anew.
   */
  outlive(): this {
    return this.#order('outlive', Command.outlive, undefined)
  }

  /**
   * Calls a function some times, so that forks start with it compiled; the next order
   * waits for the promises that it returns.
   *
   * @param module - where it is exported, as for `require`
   * @param args - as for `sendArg`
   * @param times - how often; the more, the better V8 knows it
   * @throws TypeError for what makes no sense
   */
  warm(module: ModuleSpecifier, name: string, args: readonly unknown[] = [], times = 1): this {
    checkArgument('args', args, anArray)
    checkArgument('times', times, anInteger(1))
    const reference = functionReference(module, name)
    return this.#order('warm', Command.warm, { ...reference, folder: lookUpFolder(reference.module), args, times })
  }

  /** @throws TypeError when it takes no more orders */
  protected assertOpen(order: string): void {
    if (this.hasRun) throw new TypeError(`${order}() after run()`)
    if (this.isClosing) throw new TypeError(`${order}() after close()`)
    if (this.isHandedOver) throw new TypeError(`${order}() after toFd()`)
  }

  #order(order: string, type: number, payload: unknown): this {
    this.assertOpen(order)
    this.processHandle.order(type, encode(payload))
    return this
  }
}

/** As an expression, for another process. @throws TypeError where it is none */
function sourceOf(code: (...args: never[]) => unknown): string {
  const source = `(${String(code)})`
  try {
    new Script(source)
  } catch (cause) {
    throw new TypeError(`the source of this function does not stand alone: ${(cause as Error).message}`, { cause })
  }
  return source
}
