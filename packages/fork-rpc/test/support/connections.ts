import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ExecOptions, ForkProcess, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { assertNothingLeft, openResources, type Resources, resourcesAfter } from '@anyfork/test-support'
import { after, afterEach, before } from 'mocha'
import { Gate } from './gate.js'

const worker = new URL('../fixtures/worker.js', import.meta.url)
/** The modules that most processes of the tests run. They are loaded once, and not in each process. */
const modules = ['worker', 'streams', 'exit-matrix', 'hostile-worker', 'lying-worker', 'raw-writer', 'mixed-traffic']

/** The functions with which a suite makes connections. */
export interface Connections {
  /** Forks a process that has loaded `modules`. */
  fork(): ForkProcess
  /** Makes a function of `fixtures/worker.js` callable. The process ends with the test. */
  start(name: string, options?: RpcOptions): Rpc
  /** Makes a connection end with the test. */
  track<T extends { destroy(): Promise<void> }>(connection: T): T
  /** Starts a template of the test's own, which the test may stop. It ends with the test. */
  startTemplate(options?: ExecOptions): ForkProcess
  /** Makes a gate, which opens with the end of the test. */
  makeGate(): Gate
}

/** The processes of all suites are forks of this one. */
let template: ForkProcess | undefined
after(() => template?.close())

/** Gives a suite connections. Checks after each test that no descriptor and no process is left. */
export function useConnections(): Connections {
  let atRest: Resources
  const started: { destroy(): Promise<void> }[] = []
  const track = <T extends { destroy(): Promise<void> }>(connection: T): T => {
    started.push(connection)
    return connection
  }
  before(async () => {
    template ??= await makeTemplate()
    atRest = await resourcesAfter(() => run(template!.fork(), worker, 'nothing').close())
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map(connection => connection.destroy()))
    await assertNothingLeft(atRest)
    assert.equal(openResources().descriptors.length, atRest.descriptors.length)
  })
  return {
    fork: () => template!.fork(),
    start: (name, options) => track(run(template!.fork(), worker, name, options)),
    track,
    startTemplate: options => {
      const own = ForkProcess.exec(options)
      track({
        destroy: () => {
          process.kill(own.pid!, 'SIGCONT')
          return own.close()
        },
      })
      return own
    },
    makeGate: () => {
      const gate = new Gate()
      track({ destroy: async () => gate.open() })
      return gate
    },
  }
}

async function makeTemplate(): Promise<ForkProcess> {
  const template = preload(ForkProcess.exec())
  for (const module of modules) template.require(new URL(`../fixtures/${module}.js`, import.meta.url))
  await template.ready()
  return template
}

/** Records the events of a connection, and waits for one. */
export class Events extends EventTarget {
  readonly seen: unknown[][] = []
  readonly onEvent = (...values: unknown[]): void => {
    this.seen.push(values)
    this.dispatchEvent(new Event(String(values[0])))
  }

  /** Resolves at the next event whose first value is `name`, or immediately if there was one. */
  async first(name: string): Promise<void> {
    if (!this.seen.some(([first]) => first === name)) await once(this, name)
  }
}
