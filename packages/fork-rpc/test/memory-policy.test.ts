import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { memoryOf } from '@anyfork/fork'
import { connect, type ExecOptions, ForkProcess, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const largeModule = new URL('./fixtures/large-module.js', import.meta.url)
const memoryModule = new URL('./fixtures/memory.js', import.meta.url)
/** The young generation has 1 to 2 MiB at first, and grows to 16 MiB and more. */
const GROWN_BYTES = 8 << 20
const MUCH = 48 << 20
const LITTLE = 4 << 20
/** A process that has been idle for so long gives memory back. */
const IDLE_MS = 2000

type Memory = typeof import('./fixtures/memory.js')
type Policy = NonNullable<ExecOptions['memory']>

describe('the option memory', () => {
  const { fork, track } = useConnections()
  const start = (
    options: ExecOptions,
    rpcOptions?: RpcOptions,
    loaded = memoryModule,
  ): ReturnType<typeof connect<Memory>> => {
    const template = ForkProcess.exec(options).require(loaded)
    track({ destroy: () => template.close() })
    const functions = connect<Memory>(template.fork(), memoryModule, rpcOptions)
    track(rpcOf(functions))
    return functions
  }
  const grows: Record<Policy, boolean> = { lean: false, balanced: false, fast: true }

  for (const [policy, doesGrow] of Object.entries(grows) as [Policy, boolean][]) {
    const title = `with '${policy}', the young generation ${doesGrow ? 'grows' : 'does not grow'}`
    it(`${title} in forks of a template`, async () => {
      assert.equal((await start({ memory: policy }).youngBytes()) >= GROWN_BYTES, doesGrow)
    })
    it(`${title} in a fresh interpreter`, async () => {
      assert.equal((await start({ mode: 'exec', memory: policy }).youngBytes()) >= GROWN_BYTES, doesGrow)
    })
    it(`${title} in a process that was connected with it, whatever the policy of its template`, async () => {
      const memory = doesGrow ? 'lean' : 'fast'
      assert.equal((await start({ memory }, { memory: policy }).youngBytes()) >= GROWN_BYTES, doesGrow)
    })
  }

  it("is 'balanced' by default", async () => {
    assert.ok((await start({}).youngBytes()) < GROWN_BYTES)
  })

  it('leaves the heap to the user who has set its size by flags', async () => {
    assert.ok((await start({ execArgv: ['--max_semi_space_size=16'], memory: 'lean' }).youngBytes()) >= GROWN_BYTES)
    const env = { ...process.env, NODE_OPTIONS: '--max-semi-space-size=16' }
    assert.ok((await start({ env, memory: 'lean' }).youngBytes()) >= GROWN_BYTES)
  })

  it("with 'fast', an idle process keeps its garbage", async function () {
    if (process.platform !== 'linux') return this.skip()
    const [keeps, gives] = [start({ memory: 'fast' }), start({ memory: 'balanced' })]
    await keeps.leaveGarbage()
    for (let round = 0; round < 2; round++) {
      await gives.leaveGarbage()
      while ((await memoryOf(rpcOf(gives).pid!)).uss > MUCH) await setTimeout(50)
    }
    assert.ok((await memoryOf(rpcOf(keeps).pid!)).uss > MUCH)
  })

  it("with 'lean', an idle process gives back less garbage than is worth a collection with 'balanced'", async function () {
    if (process.platform !== 'linux') return this.skip()
    const givesBack = async (memory: Policy): Promise<boolean> => {
      const functions = start({ memory }, {}, largeModule)
      await functions.leaveGarbage(1 / 5)
      const before = await functions.heapBytes()
      await setTimeout(IDLE_MS)
      return (await functions.heapBytes()) < before - LITTLE
    }
    // V8 may collect the garbage before it is measured, or while the process is idle.
    for (let round = 0; round < 5; round++) {
      const [isBalancedLess, isLeanLess] = await Promise.all([givesBack('balanced'), givesBack('lean')])
      if (isLeanLess && !isBalancedLess) return
    }
    assert.fail('in no round has only the process with lean given memory back')
  })

  it('must be one of the policies', () => {
    const memory = 'small' as 'lean'
    assert.throws(() => ForkProcess.exec({ memory }), {
      name: 'TypeError',
      message: /memory.*'lean', 'balanced' or 'fast'/,
    })
    const process = fork()
    track({ destroy: async () => void process.kill('SIGKILL') })
    assert.throws(() => connect(process, memoryModule, { memory }), TypeError)
  })
})
