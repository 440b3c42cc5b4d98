import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { socketpair } from '@anyfork/fdpass'
import { ForkProcess, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { after, afterEach, before } from 'mocha'

const worker = new URL('../fixtures/worker.js', import.meta.url)

/** What a suite makes connections with. */
export interface Connections {
  /** A fork that has the worker's module loaded. */
  fork(): ForkProcess
  /** Makes a function of the fixture callable; its process ends with the test. */
  start(name: string, options?: RpcOptions): Rpc
  /** Ends a connection with the test. */
  track<T extends { destroy(): Promise<void> }>(connection: T): T
}

/** Gives a suite connections, and sees after each test that no descriptor is left. */
export function useConnections(): Connections {
  let template: ForkProcess
  let openBefore: number
  const started: { destroy(): Promise<void> }[] = []
  const track = <T extends { destroy(): Promise<void> }>(connection: T): T => {
    started.push(connection)
    return connection
  }
  before(async () => {
    template = preload(ForkProcess.exec()).require(worker)
    await template.ready()
    await run(template.fork(), worker, 'nothing').close()
    await openSpareDescriptor()
    openBefore = openDescriptors()
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map(rpc => rpc.destroy()))
    // Node closes those of its own child processes a little later.
    for (const until = performance.now() + 5000; openDescriptors() !== openBefore && performance.now() < until; )
      await new Promise(setImmediate)
    assert.equal(openDescriptors(), openBefore, `open: ${namesOfDescriptors().join(' ')}`)
  })
  after(() => template.close())
  return {
    fork: () => template.fork(),
    start: (name, options) => track(run(template.fork(), worker, name, options)),
    track,
  }
}

function namesOfDescriptors(): string[] {
  return readdirSync('/proc/self/fd').map(fd => {
    try {
      return `${fd}=${readlinkSync(`/proc/self/fd/${fd}`)}`
    } catch {
      return fd
    }
  })
}

/** How many this process has. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** The events of a connection, as they come, and a way to wait for one. */
export class Events extends EventTarget {
  readonly seen: unknown[][] = []
  readonly onEvent = (...values: unknown[]): void => {
    this.seen.push(values)
    this.dispatchEvent(new Event(String(values[0])))
  }

  /** Resolves at the next event whose first value is this, or at once when there was one. */
  async first(name: string): Promise<void> {
    if (!this.seen.some(([first]) => first === name)) await once(this, name)
  }
}

/** libuv opens a spare descriptor of its own with the first stream of a process. */
async function openSpareDescriptor(): Promise<void> {
  const [one, other] = socketpair()
  other.close()
  await new Promise(resolve => one.toSocket().on('close', resolve).destroy())
}
