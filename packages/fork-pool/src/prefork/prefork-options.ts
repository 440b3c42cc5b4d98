import { type Handle, socketKind } from '@anyfork/fdpass'
import {
  aBoolean,
  aFunction,
  aName,
  anInteger,
  anything,
  bindContext,
  callSafely,
  checkOptions,
  describeValue,
  type Expectation,
  type Expectations,
  isHandle,
} from '@anyfork/fdpass/internal'
import { ProcessExitedError } from '@anyfork/fork-rpc'
import { aDuration } from '../expectations.js'
import { ncpu } from '../ncpu.js'
import type { PreforkWorkerFigures } from './prefork-stats.js'

/** Where a prefork server listens: a TCP port, a socket file, or a listener that exists already. */
export interface PreforkListenOptions {
  /**
   * The TCP port, 0 to 65535. 0 takes a free one. Excludes `path` and `fd`.
   *
   * @default 0
   */
  port?: number
  /**
   * The name or address to listen on.
   *
   * @default '::' or, without IPv6, '0.0.0.0': all addresses
   */
  host?: string
  /**
   * Whether a listener on `::` accepts no IPv4 connections.
   *
   * @default false
   */
  ipv6Only?: boolean
  /**
   * The path of a socket file, instead of a port. A dead socket file at the path is removed first. The server removes
   * its own file when it stops. On Linux, a path that begins with `\0` is an abstract name.
   *
   * @default none
   */
  path?: string
  /**
   * A listening socket that exists already, instead of a port: its number, a `Descriptor`, or a `net.Server`. It is
   * duplicated; yours stays yours.
   *
   * @default none
   */
  fd?: Handle
  /**
   * How many connections may wait to be accepted, from 1. The kernel reduces it to its own limit.
   *
   * @default 511
   */
  backlog?: number
  /**
   * Whether each worker has a listener of its own (SO_REUSEPORT), so that the kernel spreads connections evenly.
   * Connections to a worker that is being restarted wait for it. Needs Linux and Node 22.12 or newer. Excludes `path`
   * and `fd`.
   *
   * @default false: all workers accept from one listener
   */
  reusePort?: boolean
}

/** How long to wait between attempts to start a worker that fails. */
export interface PreforkBackOff {
  /**
   * The wait before the second attempt, in milliseconds. The first follows at once, and each further wait is twice as
   * long.
   *
   * @default 100
   */
  first?: number
  /**
   * The longest wait, in milliseconds.
   *
   * @default 1000
   */
  longest?: number
}

/** The options of `prefork`. An option that is `undefined` counts as left out. */
export interface PreforkOptions {
  /**
   * The number of workers, from 1.
   *
   * @default ncpu()
   */
  workers?: number
  /**
   * Where to listen: a TCP port, or options.
   *
   * @default 0: a free port
   */
  listen?: number | PreforkListenOptions
  /**
   * How long a worker may take to complete its requests when it is replaced or the server stops, in milliseconds. After
   * that, it is killed.
   *
   * @default 30_000
   */
  grace?: number
  /**
   * How long such a worker waits for the next request on an idle HTTP connection, or for a TLS handshake, in milliseconds,
   * before it closes the connection. It answers that request with `Connection: close`.
   *
   * @default 5_000
   */
  idleGrace?: number
  /**
   * The maximum time that a worker may take to start, in milliseconds, not counting the time in which its template starts
   * others. A worker that takes longer is killed.
   *
   * @default 30_000
   */
  startTimeout?: number
  /**
   * How long to wait between attempts to start a worker that fails: the server never gives up.
   *
   * @default { first: 100, longest: 1000 }
   */
  backOff?: PreforkBackOff
  /**
   * Whether SIGHUP reloads the server, and SIGTERM and SIGINT stop it. A second SIGTERM or SIGINT kills the workers.
   *
   * @default true
   */
  signals?: boolean
  /**
   * The name of a function of the module that each worker calls after its last connection, before it exits. It may return
   * a promise.
   *
   * @default none
   */
  done?: string
  /**
   * Receives the errors after which the server goes on: a worker died or failed to start, or a reload by SIGHUP failed.
   *
   * @default writes the error to standard error
   */
  onError?: (error: Error) => void
  /**
   * Receives the figures of a worker whenever its state has changed.
   *
   * @default none
   */
  onWorker?: (worker: PreforkWorkerFigures) => void
}

/** The checked options, with defaults. */
export interface PreforkSettings {
  workers: number
  listen: PreforkListenOptions & { backlog: number }
  grace: number
  idleGrace: number
  startTimeout: number
  backOff: Required<PreforkBackOff>
  signals: boolean
  done: string | undefined
  onError: (error: Error) => void
  onWorker: (worker: PreforkWorkerFigures) => void
}

const DEFAULT_BACKLOG = 511 // that of net.Server
const MOST_BACKLOG = 0x7fffffff
const DEFAULT_GRACE_MS = 30_000
const DEFAULT_IDLE_GRACE_MS = 5000
const DEFAULT_START_TIMEOUT_MS = 30_000
const DEFAULT_BACK_OFF: Required<PreforkBackOff> = { first: 100, longest: 1000 }

const aPort = anInteger(0, 65_535)
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const aHandle: Expectation = { test: isHandle, text: 'something that has a descriptor' }
const expectations: Expectations<PreforkOptions> = {
  workers: anInteger(1),
  listen: { test: value => aPort.test(value) || isObject(value), text: `a port, ${aPort.text}, or an object` },
  grace: aDuration,
  idleGrace: aDuration,
  startTimeout: aDuration,
  backOff: anything, // checked with the expectations below
  signals: aBoolean,
  done: aName,
  onError: aFunction,
  onWorker: aFunction,
}
const listenExpectations: Expectations<PreforkListenOptions> = {
  port: aPort,
  host: aName,
  ipv6Only: aBoolean,
  path: aName,
  fd: aHandle,
  backlog: anInteger(1, MOST_BACKLOG),
  reusePort: aBoolean,
}
const backOffExpectations: Expectations<PreforkBackOff> = { first: aDuration, longest: aDuration }

/**
 * Checks the options of `prefork`, and fills in the defaults.
 *
 * @throws TypeError for an unknown option, an invalid value, or options that exclude each other
 */
export function preforkSettings(options: PreforkOptions): PreforkSettings {
  checkOptions('prefork()', options, expectations)
  const { onError = printError, onWorker = () => {}, backOff = {}, listen = 0 } = options
  const where = typeof listen === 'number' ? { port: listen } : listen
  checkOptions('option listen of prefork()', where, listenExpectations)
  checkOptions('option backOff of prefork()', backOff, backOffExpectations)
  checkListen(where)
  const { grace = DEFAULT_GRACE_MS, idleGrace = DEFAULT_IDLE_GRACE_MS } = options
  return {
    workers: options.workers ?? ncpu(),
    listen: { ...where, backlog: where.backlog ?? DEFAULT_BACKLOG },
    grace,
    idleGrace: Math.min(idleGrace, grace),
    startTimeout: options.startTimeout ?? DEFAULT_START_TIMEOUT_MS,
    backOff: {
      first: backOff.first ?? DEFAULT_BACK_OFF.first,
      longest: backOff.longest ?? DEFAULT_BACK_OFF.longest,
    },
    signals: options.signals ?? true,
    done: options.done,
    onError: safely(onError),
    onWorker: safely(onWorker),
  }
}

function checkListen({ port, host, ipv6Only, path, fd, reusePort }: PreforkListenOptions): void {
  const isTcp = port !== undefined || host !== undefined || ipv6Only !== undefined || reusePort === true
  if (Number(isTcp) + Number(path !== undefined) + Number(fd !== undefined) > 1)
    throw new TypeError('option listen of prefork() takes one of port, path, and fd; host and reusePort belong to port')
  if (fd !== undefined && !isListener(fd))
    throw new TypeError(`option fd of listen of prefork() must be a listening stream socket, not ${describeValue(fd)}`)
  if (reusePort && !canReusePort())
    throw new TypeError('option reusePort of listen of prefork() needs Linux, and Node 22.12 or newer')
}

function isListener(fd: Handle): boolean {
  try {
    const { isListening, type } = socketKind(fd)
    return isListening && type === 'stream'
  } catch {
    return false // not a socket, or closed
  }
}

/** Whether `listen` of this Node knows the option; others ignore it. It came with 22.12 and 23.1. */
function canReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return process.platform === 'linux' && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12))
}

/** Lets a callback run in the present asynchronous context. Its errors are uncaught. */
function safely<Value>(callback: (value: Value) => void): (value: Value) => void {
  return bindContext((value: Value) => callSafely(() => callback(value)))
}

/** A worker that has died has printed its own error. */
function printError(error: Error): void {
  console.error(`prefork: ${error instanceof ProcessExitedError ? error.message : (error.stack ?? error.message)}`)
}
