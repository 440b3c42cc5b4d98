import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isLinux } from '@anyfork/fdpass/internal'
import { isRunning, until, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { areAllThreadsCopied } from './support/mode.js'

describe('an owner killed by SIGKILL', () => {
  it('the template and all workers end with a killed owner, except the worker that outlive() was called for', async () => {
    const owner = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/owner.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const pids = JSON.parse(line) as number[]
    assert.equal(pids.length, 6)
    const outliving = pids.pop()!
    owner.kill('SIGKILL')
    await untilGone(...pids)
    process.kill(outliving, 'SIGTERM')
    await untilGone(outliving)
  })

  it('an interpreter that was stopped right after its start ends with a killed owner', async function () {
    if (!isLinux) return this.skip() // a stopped process ends when it is continued
    const owner = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/owner-of-stopped.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    owner.kill('SIGKILL')
    try {
      await untilGone(Number(line))
    } finally {
      if (isRunning(Number(line))) process.kill(Number(line), 'SIGKILL')
    }
  })

  it('a process that was stopped right after an interpreter has taken its place ends with a killed owner', async function () {
    if (!isLinux) return this.skip() // it is not forked, so no interpreter takes its place
    if (areAllThreadsCopied) return this.skip() // no interpreter takes its place
    const fixture = fileURLToPath(new URL('./fixtures/owner-of-replaced.js', import.meta.url))
    const owner = spawn(process.execPath, [fixture], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    await until(() => /^State:\s*T/m.test(readFileSync(`/proc/${line}/status`, 'utf8')))
    owner.kill('SIGKILL')
    try {
      await untilGone(Number(line))
    } finally {
      if (isRunning(Number(line))) process.kill(Number(line), 'SIGKILL')
    }
  })

  it('a worker that has changed its user ends with a killed owner that is not root', async function () {
    const id = 20_000 + (process.pid % 40_000)
    const asOther = [
      '--reuid',
      String(id),
      '--regid',
      String(id),
      '--clear-groups',
      '--inh-caps=+setuid',
      '--ambient-caps=+setuid',
    ]
    if (process.getuid!() !== 0 || spawnSync('setpriv', [...asOther, 'true']).status !== 0) return this.skip()
    const owner = spawn(
      'setpriv',
      [...asOther, process.execPath, fileURLToPath(new URL('./fixtures/owner-of-other-user.js', import.meta.url))],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const pids = JSON.parse(line) as number[]
    owner.kill('SIGKILL')
    try {
      await untilGone(...pids)
    } finally {
      for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  })
})
