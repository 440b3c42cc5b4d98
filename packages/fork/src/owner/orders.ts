import { fstatSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { Script } from 'node:vm'
import { Descriptor, type Handle } from '@anyfork/fdpass'
import { anInteger, checkArgument, descriptorNumber, type Expectation } from '@anyfork/fdpass/internal'
import { lookUpFolder, programFolder } from '../lookup-folder.js'
import { functionReference, type ModuleSpecifier, resolveSpecifier, workingDirectory } from '../module-specifier.js'
import { Command } from '../protocol/frame.js'
import { encode } from '../protocol/payload.js'
import { decodeAnswer } from '../protocol/reports.js'
import { checkRestrictions, type Restrictions } from '../restrictions.js'
import { type OwnedStreams, ownStreams } from './owned-streams.js'
import type { ProcessHandle } from './process-handle.js'
import { checkProcessOptions, configurationOf, type ProcessOptions } from './process-options.js'
import { assertLocal, RemoteHandle } from './remote-handle.js'
import { StreamEnds } from './stream-ends.js'

const anArray: Expectation = { test: value => Array.isArray(value), text: 'an array' }
const someCode: Expectation = {
  test: value => typeof value === 'string' || typeof value === 'function',
  text: 'a string or a function',
}

/**
 * The part of `ForkProcess` that prepares a process. Each order is queued and returns the process at once; only `call`
 * returns a promise.
 */
export abstract class ProcessOrders {
  protected readonly processHandle: ProcessHandle | RemoteHandle
  protected hasRun = false
  protected isClosing = false
  protected isHandedOver = false
  /** The forks that were made in advance. Every order makes them obsolete. */
  protected spares: { renew(): void } | undefined

  readonly #streams: OwnedStreams = { stdin: null, stdout: null, stderr: null }

  /** @param ends - the standard streams that the process was started with */
  protected constructor(processHandle: ProcessHandle | RemoteHandle, ends?: StreamEnds) {
    this.processHandle = processHandle
    if (ends) this.#ownStreams(ends)
  }

  /**
   * Writes to standard input of the process, if that is a pipe to this program; else `null`. It is closed when the process
   * has ended.
   */
  get stdin(): Writable | null {
    return this.#streams.stdin
  }

  /**
   * Reads standard output of the process, if that is a pipe to this program; else `null`. It ends when the process and all
   * others that share it have closed it. It keeps this program running only once code reads it.
   */
  get stdout(): Readable | null {
    return this.#streams.stdout
  }

  /** As `stdout`, for standard error. */
  get stderr(): Readable | null {
    return this.#streams.stderr
  }

  /**
   * Loads modules, one after the other: ES modules or CommonJS.
   *
   * @param modules - file URLs, absolute paths, or names of packages; names are looked up from the folder of this
   *   program's main module or, if it has none, from its working folder
   * @throws TypeError if a module is a relative path or is invalid, and after `run`, `close`, or `toFd`
   * @throws `ENOENT` for a name if there is no main module and the working folder was removed
   */
  require(...modules: ModuleSpecifier[]): this {
    const specifiers = modules.map(resolveSpecifier)
    return this.#order('require', Command.require, { modules: specifiers, folder: this.lookUpFolder(...specifiers) })
  }

  /**
   * Runs code in the global scope, and waits for the promise that it returns. Imports in the code are looked up from
   * the folder of this program's main module or, if it has none, from its working folder, unless that was removed.
   *
   * @param code - a script, or a function that refers to nothing outside of itself
   * @param args - are passed to the function, or to the function that the script evaluates to; see `sendArg`
   * @throws TypeError if `code` is a function whose source cannot be evaluated on its own, such as a method or a bound
   *   function; if an argument cannot be cloned; and after `run`, `close`, or `toFd`
   */
  eval<A extends unknown[]>(code: string | ((...args: A) => unknown), ...args: A): this {
    checkArgument('code', code, someCode)
    const isFunction = typeof code === 'function'
    return this.#order('eval', Command.eval, {
      code: isFunction ? sourceOf(code) : code,
      args,
      call: isFunction || args.length > 0,
      folder: this.isRemote ? undefined : (programFolder() ?? workingDirectory()),
    })
  }

  /**
   * Keeps values for the function, each as an argument of its own.
   *
   * @param values - anything that V8's structured clone accepts: plain values, buffers, maps, dates, errors; also
   *   `process.env`, which arrives as a plain object
   * @throws TypeError if a value cannot be cloned or is a `Descriptor`, and after `run`, `close`, or `toFd`; nothing is
   *   sent. The message says which type is where, and shows no value
   * @throws RangeError if the values take 4 GiB or more
   */
  sendArg(...values: unknown[]): this {
    assertNoDescriptor(values)
    return this.#order('sendArg', Command.argument, values)
  }

  /**
   * Keeps descriptors for the function, each as an argument of its own: a `Descriptor`.
   *
   * @param handles - borrowed: the caller still owns them and may close them at once
   * @throws TypeError if something has no descriptor, and after `run`, `close`, or `toFd`; nothing is sent
   * @throws `EBADF` if a descriptor is not open; nothing is sent
   * @throws the kernel's error if a descriptor cannot be passed, such as an io_uring. If the order has to wait for
   *   others, that error rejects `ready` and `run` instead
   */
  sendFd(...handles: Handle[]): this {
    this.assertOpen('sendFd')
    assertLocal(this.processHandle, 'descriptors cannot be sent')
    for (const handle of handles) fstatSync(descriptorNumber(handle))
    this.spares?.renew() // first: if an order fails, those before it have been sent
    for (const handle of handles) this.processHandle.order(Command.descriptor, undefined, [handle])
    return this
  }

  /**
   * Changes the surroundings of the process: environment, working folder, `process.argv`, and standard streams. Its later
   * forks have the same ones. See `ProcessOptions`.
   *
   * The standard streams change after the process has written the text that it has for the earlier ones. If code has used
   * `process.stdin`, it has to be read anew; listeners of the earlier stream hear nothing more.
   *
   * @param options - what to change; everything left out stays as it is
   * @throws TypeError if an option does not exist or is invalid, and after `run`, `close`, or `toFd`. If the folder does
   *   not exist, the kernel's error rejects `ready` and `run`
   * @throws `E2BIG` if the environment or the arguments are larger than execve(2) accepts
   * @throws `EBADF` if a descriptor is not open, and `EMFILE` if there is no room for pipes; nothing is sent
   */
  configure(options: ProcessOptions): this {
    checkProcessOptions('configure()', options)
    this.assertOpen('configure')
    if (options.stdio) assertLocal(this.processHandle, 'standard streams cannot be sent')
    const ends = new StreamEnds(options.stdio)
    try {
      const { numbers } = ends
      const handles = numbers.map(number => ends.theirs[number]!)
      this.processHandle.order(Command.configure, encode(configurationOf(options, numbers)), handles)
    } catch (error) {
      ends.close()
      throw error
    }
    this.#ownStreams(ends)
    this.spares?.renew()
    return this
  }

  /**
   * Restricts what the process may use and do. Its later forks inherit the restrictions. Most of them cannot be undone.
   *
   * @param restrictions - what to restrict; everything left out stays as it is
   * @throws TypeError if a restriction does not exist or is invalid, and after `run`, `close`, or `toFd`. If the kernel
   *   rejects one, as with `EPERM`, its error rejects `ready` and `run`
   */
  restrict(restrictions: Restrictions): this {
    checkRestrictions(restrictions)
    assertLocal(this.processHandle, 'restrict() is not possible')
    this.#order('restrict', Command.restrict, restrictions)
    Object.assign(this.processHandle.limits, restrictions.rlimits)
    return this
  }

  /**
   * Lets the process live on after this program has ended, once its function runs. Until then it ends with this
   * program. Later forks inherit the order; copies that `refork` makes do not.
   *
   * @throws TypeError after `run`, `close`, or `toFd`
   */
  outlive(): this {
    assertLocal(this.processHandle, 'outlive() is not possible')
    return this.#order('outlive', Command.outlive, undefined)
  }

  /**
   * Calls a function several times, so that forks start with it compiled. Each call waits for the promise of the one
   * before.
   *
   * @param module - the module that exports the function, as for `require`
   * @param name - the name of the function
   * @param args - the arguments of each call, as for `sendArg`; default: `[]`
   * @param times - the number of calls, from 1; default: 1. V8 optimises code that has run often
   * @throws TypeError if an argument is invalid, and after `run`, `close`, or `toFd`
   */
  warm(module: ModuleSpecifier, name: string, args: readonly unknown[] = [], times = 1): this {
    checkArgument('args', args, anArray)
    checkArgument('times', times, anInteger(1))
    const reference = functionReference(module, name)
    return this.#order('warm', Command.warm, { ...reference, folder: this.lookUpFolder(reference.module), args, times })
  }

  /**
   * Calls a function in the process once, after the orders so far, and returns its result. Unlike an order that fails, a
   * call that fails changes nothing: the process goes on. Later forks have what the function has loaded and computed.
   * Where a fork is a fresh interpreter, as in mode `'exec'`, the function runs again there, unless it has thrown.
   *
   * @param module - the module that exports the function, as for `require`
   * @param name - the name of the function
   * @param args - its arguments, as for `sendArg`
   * @returns resolves with the result, or what the promise of the function resolves with: a value as for `sendArg`, of up
   *   to 64 MiB
   * @throws rejects with a TypeError if an argument is invalid or cannot be cloned, and after `run`, `close`, or `toFd`
   * @throws rejects with `ERR_CALL_FAILED` if the function throws; the error is its `cause`
   * @throws rejects with `ERR_MODULE_NOT_FOUND`, `ERR_MODULE_FAILED`, or `ERR_EXPORT_NOT_FOUND` if there is no such
   *   function
   * @throws rejects with a TypeError if the result cannot be cloned, and with a RangeError if it is too large
   * @throws rejects with the error of the first order that failed, or with `ERR_PROCESS_EXITED`
   */
  async call<T = unknown>(module: ModuleSpecifier, name: string, ...args: unknown[]): Promise<T> {
    assertNoDescriptor(args)
    const reference = functionReference(module, name)
    this.assertOpen('call')
    const payload = encode({ ...reference, folder: this.lookUpFolder(reference.module), args })
    const answer = this.processHandle.ask(Command.call, payload)
    this.spares?.renew()
    return decodeAnswer<T>(await answer)
  }

  /** Whether the process is on the other side of a connection. */
  protected get isRemote(): boolean {
    return this.processHandle instanceof RemoteHandle
  }

  /** Returns the folder from which the process looks up names; `undefined` if a remote one uses its own. */
  protected lookUpFolder(...specifiers: readonly (string | undefined)[]): string | undefined {
    return this.isRemote ? undefined : lookUpFolder(...specifiers)
  }

  /** @throws TypeError if the process takes no more orders */
  protected assertOpen(order: string): void {
    if (this.hasRun) throw new TypeError(`${order}() after run()`)
    if (this.isClosing) throw new TypeError(`${order}() after close()`)
    if (this.isHandedOver) throw new TypeError(`${order}() after toFd()`)
  }

  #ownStreams(ends: StreamEnds): void {
    Object.assign(this.#streams, ownStreams(ends.handOver(), this.processHandle.exited))
  }

  #order(order: string, type: number, payload: unknown): this {
    this.assertOpen(order)
    this.processHandle.order(type, encode(payload))
    this.spares?.renew()
    return this
  }
}

/** @throws TypeError if there is a Descriptor: its clone would be an empty object */
function assertNoDescriptor(values: readonly unknown[]): void {
  if (values.some(value => value instanceof Descriptor))
    throw new TypeError('a value must not be a Descriptor: use sendFd()')
}

/**
 * Returns the source of a function as an expression.
 *
 * @throws TypeError if it cannot be evaluated on its own
 */
function sourceOf(code: (...args: never[]) => unknown): string {
  const source = `(${String(code)})`
  try {
    new Script(source)
  } catch {
    throw new TypeError(
      'code must be a function whose source stands alone, not a method, a bound or a built-in function',
    )
  }
  return source
}
