// Tries one package, in its folder: loads its module in a template, and uses it in forks, before and after the template has
// used it. Prints a report as JSON.
//
//     node try.js <module> <threads> <flags of the interpreter, as JSON>

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ForkProcess } from '@anyfork/fork'

const PATIENCE_MS = 20_000

const [module, threads, execArgv] = process.argv.slice(2)
const listen = server => new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(server.address().port)))
const http = await listen(createHttpServer((_request, response) => response.end('answered')))
const redis = await listen(
  createServer(socket => socket.on('data', () => socket.write('+PONG\r\n')).on('error', () => {})),
)
const data = mkdtempSync(join(tmpdir(), 'thread-packages-'))
const env = { ...process.env, TRIED_SERVER: `http://127.0.0.1:${http}`, TRIED_PORT: String(redis), TRIED_DATA: data }
const template = ForkProcess.exec({
  threads,
  env,
  execArgv: JSON.parse(execArgv),
  stdio: ['ignore', 'ignore', 'inherit'],
})

const within = (promise, what) =>
  Promise.race([
    promise,
    setTimeout(PATIENCE_MS).then(() => {
      throw Object.assign(new Error(`${what} hangs`), { code: 'hangs' })
    }),
  ])
const failure = ({ code, name, message, cause }) => {
  const what = code === 'ERR_CALL_FAILED' ? (cause?.message ?? message) : message
  return `${code ?? name}: ${String(what).split('\n')[0]}`
}

/** Uses the package in a fork, and lets that end. */
async function useInFork(expected) {
  const fork = template.fork()
  try {
    const value = await within(fork.call(module, 'use'), 'the use in a fork')
    if (expected && !isDeepStrictEqual(value, expected.value)) return { error: 'another result' }
    void fork.close()
    const { code, signal } = await within(fork.exited, 'the end of a fork')
    if (code !== 0) return { error: `ends with ${code ?? signal}` }
    return { mode: fork.mode, obstacle: fork.mode === 'exec' ? template.lastFork?.obstacle : undefined }
  } catch (error) {
    fork.kill('SIGKILL')
    return { mode: fork.mode, error: failure(error) }
  }
}

const report = {}
try {
  await within(template.require(module).ready(), 'loading')
  report.loaded = await useInFork()
  const value = await within(template.call(module, 'use'), 'the use in the template')
  report.used = await useInFork({ value })
  report.again = isDeepStrictEqual(await within(template.call(module, 'use'), 'the second use in the template'), value)
  const { findings, threads: all } = await within(template.check(), 'check()')
  report.foreign = all.filter(({ isForeign }) => isForeign).map(({ name }) => name)
  report.warnings = findings
    .filter(({ severity }) => severity === 'warns')
    .map(({ topic, subject, text }) => ({ topic, subject, text }))
  report.blocks = findings.filter(({ severity }) => severity === 'blocks').map(({ text }) => text)
} catch (error) {
  report.error = failure(error)
}
console.log(JSON.stringify(report))
template.kill('SIGKILL')
await template.exited
rmSync(data, { recursive: true })
process.exit()
