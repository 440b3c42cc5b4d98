import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { memoryOf } from '@anyfork/fork'
import { connect, ForkProcess, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const memory = new URL('./fixtures/memory.js', import.meta.url)
const largeModule = new URL('./fixtures/large-module.js', import.meta.url)
const MEBIBYTE = 1 << 20

type Memory = typeof import('./fixtures/memory.js')

async function privateBytesOf(pid: number): Promise<number> {
  return (await memoryOf(pid)).uss
}

/** Waits until a process has given memory back. */
async function untilBelow(pid: number, bytes: number): Promise<void> {
  while ((await privateBytesOf(pid)) > bytes) await setTimeout(50)
}

for (const async of [false, true]) {
  describe(`memory of an idle process, with async: ${async}`, () => {
    if (process.platform !== 'linux') return
    const { track } = useConnections()
    const start = (template: ForkProcess): ReturnType<typeof connect<Memory>> => {
      const functions = connect<Memory>(template.fork(), memory, { async })
      track(rpcOf(functions))
      return functions
    }
    const makeTemplate = (): ForkProcess => {
      const template = ForkProcess.exec().require(largeModule).require(memory)
      track({ destroy: () => template.close() })
      return template
    }

    it('gives garbage back to the system, each time that it becomes idle', async () => {
      const functions = start(makeTemplate())
      for (let round = 0; round < 2; round++) {
        const before = await functions.privateBytesWithGarbage()
        const { pid } = rpcOf(functions)
        assert.ok(before > 48 * MEBIBYTE, `the process had only ${before} bytes`)
        await untilBelow(pid!, before / 2)
      }
      assert.equal(await functions.doLittle(), 'little')
    })

    it('leaves the memory that it shares with its template alone if it has allocated little', async () => {
      const template = makeTemplate()
      const [quiet, busy] = [start(template), start(template)]
      await quiet.doLittle()
      await quiet.doLittle()
      const { pid } = rpcOf(quiet)
      const before = await privateBytesOf(pid!)
      for (let round = 0; round < 2; round++) {
        const most = await busy.privateBytesWithGarbage()
        await untilBelow(rpcOf(busy).pid!, most / 2) // takes at least half as long as `quiet` waits at most
      }
      const after = await privateBytesOf(pid!)
      assert.ok(after < before + 4 * MEBIBYTE, `the process has grown from ${before} to ${after} bytes`)
    })
  })
}
