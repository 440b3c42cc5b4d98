import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { childrenOf, descendantsOf, isSoak, until, untilGone } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const workers = 4
/** More than a socket has room for. */
const greetings = isSoak ? 5000 : 500

describe('examples/nginx-channels', () => {
  let folder: string
  let log: string
  let master: ChildProcess
  let exit: Promise<unknown[]>
  let lines: string[]

  /** Waits for a line, and forgets it and those before it. */
  const line = async (expected: RegExp): Promise<RegExpExecArray> => {
    const index = (): number => lines.findIndex(one => expected.test(one))
    await until(
      () => index() >= 0,
      () => `no ${expected} in ${lines.join(' | ')}`,
    )
    return expected.exec(lines.splice(0, index() + 1).at(-1)!)!
  }
  const start = (...more: string[]): void => {
    lines = []
    const args = [main, '--workers', `${workers}`, '--greetings', `${greetings}`, '--log', log, ...more]
    master = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    exit = once(master, 'exit')
    for (const stream of [master.stdout!, master.stderr!])
      createInterface({ input: stream }).on('line', one => lines.push(one))
  }
  /** Waits until each worker has answered each other one, and returns how often messages had to wait. */
  const allMet = async (): Promise<number> => {
    const [, pairs, sent, waits] = await line(/^all (\d+) pairs have met: (\d+) greetings, (\d+) waits/)
    assert.deepEqual([Number(pairs), Number(sent)], [12, 12 * greetings])
    return Number(waits)
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    log = join(folder, 'log')
  })
  afterEach(async () => {
    const left = descendantsOf(master.pid!).map(({ pid }) => pid)
    master.kill('SIGKILL')
    await exit
    await untilGone(...left)
    rmSync(folder, { recursive: true })
  })

  it('workers reach each other before and after kills, and nothing is dropped while one does not read', async () => {
    start()
    const pids: number[] = []
    for (let i = 0; i < workers; i++) {
      const [, slot, pid] = await line(/^slot (\d) has pid (\d+)$/)
      pids[Number(slot)] = Number(pid)
    }
    await allMet()
    const counts = { kills: 0, met: 1, waits: 0 }
    const respawned = async (slot: number): Promise<void> => {
      await line(new RegExp(`^slot ${slot} \\(pid ${pids[slot]}\\) has ended: SIGKILL$`))
      pids[slot] = Number((await line(new RegExp(`^slot ${slot} has pid (\\d+)$`)))[1])
      counts.kills++
    }
    for (let slot = 0; slot < workers; slot++) {
      process.kill(pids[slot]!, 'SIGKILL')
      await respawned(slot)
      await allMet()
      counts.met++
    }

    process.kill(pids[0]!, 'SIGSTOP')
    for (const slot of [1, 2]) {
      process.kill(pids[slot]!, 'SIGKILL')
      await respawned(slot)
    }
    for (const slot of [1, 2])
      await until(() => readFileSync(log, 'utf8').includes(`(pid ${pids[slot]}) waits for slot 0 (pid ${pids[0]})`))
    process.kill(pids[0]!, 'SIGCONT')
    counts.waits += await allMet()
    counts.met++
    assert.ok(counts.waits > 0)

    master.kill('SIGQUIT')
    assert.deepEqual(await exit, [0, null])
    const content = readFileSync(log, 'utf8')
    for (const pid of pids) assert.ok(content.includes(`(pid ${pid}) quits`))
    console.log(
      `      ${counts.met} times all ${workers} workers met, ${counts.kills} kills, ` +
        `${counts.met * 12 * greetings} greetings, ${counts.waits} waits for room, 0 dropped`,
    )
  })

  it('a worker is replaced although the template was killed, too', async () => {
    start()
    await allMet()
    const [template] = childrenOf(master.pid!) as [number]
    const [worker] = childrenOf(template) as [number]
    process.kill(template, 'SIGKILL')
    process.kill(worker, 'SIGKILL')
    await allMet()
    master.kill('SIGQUIT')
    assert.deepEqual(await exit, [0, null])
  })

  it('a worker is replaced as soon as there is room for descriptors, and the master goes on until then', async () => {
    start()
    await allMet()
    const limit = (most: number): void => void execFileSync('prlimit', ['--pid', `${master.pid}`, `--nofile=${most}:`])
    const before = readdirSync(`/proc/${master.pid}/fd`).length
    limit(1)
    process.kill(childrenOf(childrenOf(master.pid!)[0]!)[0]!, 'SIGKILL')
    await line(/^slot \d has no worker: .*EMFILE/)
    limit(1024)
    await allMet()
    assert.equal(readdirSync(`/proc/${master.pid}/fd`).length, before)
    master.kill('SIGQUIT')
    assert.deepEqual(await exit, [0, null])
  })

  it('workers reopen their log, and end at SIGTERM', async () => {
    start()
    await allMet()
    renameSync(log, `${log}.1`)
    master.kill('SIGUSR1')
    await until(() => {
      try {
        return readFileSync(log, 'utf8').split('has reopened its log').length === workers + 1
      } catch {
        return false // no worker has reopened it yet
      }
    })
    assert.equal(readFileSync(`${log}.1`, 'utf8').split('has met').length, 12 + 1)
    const left = descendantsOf(master.pid!).map(({ pid }) => pid)
    master.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
    await untilGone(...left)
  })

  it('takes several signals in a moment for one; a later one ends the master, and with it a worker that hangs', async () => {
    start('--grace', '60000')
    await allMet()
    const left = descendantsOf(master.pid!).map(({ pid }) => pid)
    const template = childrenOf(master.pid!)[0]!
    process.kill(childrenOf(template)[0]!, 'SIGSTOP')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) master.kill(signal)
    for (let slot = 1; slot < workers; slot++) await line(/ has ended: 0$/)
    const signals = setInterval(() => master.kill('SIGINT'), 700) // more than REPEATED_MS later
    try {
      assert.deepEqual(await exit, [null, 'SIGINT'])
    } finally {
      clearInterval(signals)
    }
    await untilGone(...left)
  })

  it('exits with 2 and its usage for an invalid option', async () => {
    start('--workers', 'none')
    await line(/^Usage: /)
    assert.deepEqual(await exit, [2, null])
  })
})
