import assert from 'node:assert/strict'
import { serialize } from 'node:v8'
import { write } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, isRunning, openResources, type Resources } from '@anyfork/test-support'
import { after, afterEach, before, describe, it } from 'mocha'
import { exitReport, madePayload, controlFrame as report } from './support/control-frames.js'

const module = new URL('./fixtures/hostile.js', import.meta.url)

/** Serialised bytes of arrays. V8 would allocate 256 MiB for each, because each claims 33,554,431 elements. */
function longArrays(count: number): Buffer {
  const length = [0xff, 0xff, 0xff, 0x0f]
  const array = [0x61, ...length, 0x40, 0, ...length]
  const all = [0x41, count, ...Array<number[]>(count).fill(array).flat(), 0x24, 0, count]
  return Buffer.concat([serialize(undefined).subarray(0, 2), Buffer.from(all)])
}

describe('a process that writes to its control socket', () => {
  let template: ForkProcess
  let atRest: Resources

  before(async () => {
    template = ForkProcess.exec().require(module)
    await template.ready()
    atRest = openResources()
  })
  afterEach(() => assertNothingLeft(atRest))
  after(() => template.close())

  /** Runs the attack in a fork. Resolves when that is gone; fails if it was not killed. */
  async function checkKilled(bytes: Uint8Array, { descriptors = 0, times = 1 } = {}): Promise<void> {
    const bystander = template.fork()
    await bystander.ready()
    const attacker = template.fork().sendArg(bytes, descriptors, times)
    const running = attacker.run(module, 'attack')
    assert.deepEqual(await attacker.exited, { code: null, signal: 'SIGKILL' })
    // The attack may arrive together with the report that the function is about to be called.
    await running.then(
      socket => socket.close(),
      (error: unknown) => assert.equal((error as NodeJS.ErrnoException).code, 'ERR_PROTOCOL'),
    )
    assert.ok(isRunning(bystander.pid!))
    await bystander.ready()
    await bystander.close()
  }

  const attacks: Record<string, Buffer> = {
    noise: Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 7919) % 251)),
    'the first byte of text': Buffer.from('a'),
    'text whose first bytes could be the length of a report': Buffer.from('@\0ab\0\0\0\0text'),
    'a report of an unknown type': report(99),
    'a report that only an owner sends': report(5),
    'the header of a report of 4 GiB': report(64, undefined, { length: 0xffffffff }),
    'a report that declares descriptors': report(64, undefined, { descriptors: 3 }),
    'an exit without numbers': report(68),
    'an exit with too many numbers': report(68, Buffer.alloc(8, 1)),
    'an exit of the process 0': exitReport(0),
    'an exit with a code that no process has': exitReport(1, 256),
    'an exit by a signal that does not exist': exitReport(1, -1, 65),
    'an error that is null': report(65, serialize(null)),
    'a pid without a mode': report(69, madePayload(1).subarray(0, 4)),
    'a pid above all others': report(69, madePayload(2 ** 31)),
    'a mode that does not exist': report(69, madePayload(1, { mode: 2 })),
    'an error that claims more elements than fit in the heap': report(65, longArrays(100)),
  }
  for (const [what, bytes] of Object.entries(attacks)) it(`with ${what} is killed`, () => checkKilled(bytes))

  it('with descriptors that no report declares is killed', () =>
    checkKilled(report(64), { descriptors: 200, times: 20 }))

  it('with descriptors that come with the payload of a report is killed', () =>
    checkKilled(report(64, undefined, { length: 1 << 20 }), { descriptors: 200, times: 20 }))

  it('with a descriptor that is not its pidfd is killed', async () => {
    const started = madePayload(1)
    await checkKilled(report(69, started, { descriptors: 1 }), { descriptors: 1 })
  })

  it('with the exit of a copy that runs is killed, and the copy stays alive', async () => {
    const liar = template.fork()
    const socket = await liar.run(module, 'attackWhenTold')
    const copy = liar.refork()
    await copy.ready()
    write(socket, exitReport(copy.pid!))
    assert.deepEqual(await liar.exited, { code: null, signal: 'SIGKILL' })
    await copy.ready()
    await copy.close()
    socket.close()
  })

  it('with the exit of a sibling is killed, and the sibling stays alive', async () => {
    const sibling = template.fork()
    await sibling.ready()
    await checkKilled(exitReport(sibling.pid!))
    assert.ok(sibling.isAlive)
    await sibling.ready()
    await sibling.close()
  })

  it('with the pid of a process as that of its copy keeps nobody from learning how that process ends', async () => {
    const forker = template.fork()
    const victim = forker.fork()
    await victim.ready()
    const claims = [1, 2, 3, 4].map(id => report(66, madePayload(victim.pid!), { id }))
    const answer = report(64, serialize(null), { id: 3 })
    const liar = template.fork().sendArg(Buffer.concat([...claims, answer]))
    const socket = await liar.run(module, 'attackOnSignal')
    const copy = liar.refork() // waits, because the function blocks
    copy.ready().catch(() => {})
    write(socket, Buffer.from('!'))
    await liar.inspect()
    assert.equal(copy.pid, undefined)
    victim.kill('SIGKILL')
    assert.deepEqual(await victim.exited, { code: null, signal: 'SIGKILL' })
    await forker.ready()
    liar.kill('SIGKILL')
    await liar.exited
    socket.close()
    await forker.close()
  })

  it('with exits of processes that do not exist does no harm', async () => {
    const attacker = template.fork().sendArg(exitReport(0x7ffffffe), 0, 1000)
    const socket = await attacker.run(module, 'attack')
    await template.fork().close()
    assert.ok(attacker.kill('SIGKILL'))
    assert.deepEqual(await attacker.exited, { code: null, signal: 'SIGKILL' })
    socket.close()
  })
})
