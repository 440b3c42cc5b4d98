import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, isRunning, openResources, type Resources } from '@anyfork/test-support'
import { after, afterEach, before, describe, it } from 'mocha'
import type { Way } from './fixtures/lies-about-pid.js'

const module = new URL('./fixtures/lies-about-pid.js', import.meta.url)

const ways: Way[] = ['its own socket', 'the socket of the copy', 'the socket of the copy, with a pidfd']

describe('a process that reports the pid of another one as that of its copy', () => {
  let template: ForkProcess
  let innocent: ChildProcess
  let innocentsEnd: Promise<unknown[]>
  let atRest: Resources
  let signalsToOwner = 0
  const onSignal = (): void => void signalsToOwner++

  before(async () => {
    innocent = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] })
    innocent.stdin!.on('error', () => {}) // if it was killed
    innocentsEnd = once(innocent, 'close')
    process.on('SIGUSR2', onSignal)
    template = ForkProcess.exec().require(module)
    await template.ready()
    atRest = openResources()
  })
  afterEach(() => assertNothingLeft(atRest))
  after(async () => {
    process.off('SIGUSR2', onSignal)
    innocent.stdin!.end()
    await Promise.all([innocentsEnd, template.close()])
  })

  /** Rejects if the innocent process has been killed. */
  async function assertAnswers(): Promise<void> {
    const answer = Promise.race([once(innocent.stdout!, 'data'), innocentsEnd])
    innocent.stdin!.write('alive')
    assert.equal(String((await answer)[0]), 'alive')
  }

  const victims: [who: string, pid: () => number, signal: NodeJS.Signals, check: () => void | Promise<void>][] = [
    ['a process of the same user', () => innocent.pid!, 'SIGKILL', assertAnswers],
    ['its owner', () => process.pid, 'SIGUSR2', () => assert.equal(signalsToOwner, 0)],
    ['the first process', () => 1, 'SIGCONT', () => {}],
  ]
  for (const way of ways) {
    for (const [who, pid, signal, check] of victims) {
      it(`over ${way} lets the owner signal neither ${who} nor any other process but itself`, async function () {
        if (process.platform !== 'linux') this.skip()
        const liar = template.fork().sendArg(pid(), way)
        const socket = await liar.run(module, 'lie')
        const copy = liar.refork()
        if (way === 'its own socket') await liar.inspect()
        else if (way === 'the socket of the copy') await copy.ready()
        else await assert.rejects(copy.ready(), { code: 'ERR_PROTOCOL' })
        copy.kill(signal)
        liar.kill('SIGKILL')
        await Promise.all([copy.exited, liar.exited])
        await check()
        assert.ok(copy.pid === undefined || copy.pid === liar.pid)
        assert.ok(isRunning(pid()))
        socket.close()
      })
    }
  }
})
