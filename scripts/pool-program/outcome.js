import { spawn } from 'node:child_process'

/** A program that runs for longer is killed, and counts as one that gives no answer. */
const TIMEOUT_MS = 120_000

/**
 * Runs a program that uses a pool, as `main.mjs` does.
 *
 * @param command - the executable and its arguments
 * @param options - of `spawn`, such as `cwd` and `env`; variables are added to those of this process
 * @returns `kind`: `'fork'` (real forks), `'exec'` (fresh processes, and a warning), the code of an error, or `undefined`
 *   for anything else; and `text`, which tells more
 */
export async function outcomeOf([file, ...args], { env, ...options } = {}) {
  const child = spawn(file, args, {
    ...options,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  let hasTimedOut = false
  const timer = setTimeout(() => {
    hasTimedOut = true
    process.kill(-child.pid, 'SIGKILL')
  }, TIMEOUT_MS)
  const failure = await new Promise(resolve => child.once('error', resolve).once('close', () => resolve(undefined)))
  clearTimeout(timer)
  if (failure) return { text: failure.message }
  if (hasTimedOut) return { text: `no answer within ${TIMEOUT_MS / 1000} s` }
  return classify(stdout, stderr, child.exitCode ?? child.signalCode)
}

function classify(stdout, stderr, ending) {
  const result = resultIn(stdout)
  if (result && ending === 0 && `${result.answers}` === '4,9') {
    if (result.mode === 'fork') return { kind: 'fork', text: 'real forks' }
    if (/ANYFORK_FALLBACK/.test(stderr))
      return { kind: 'exec', text: `fresh processes, and a warning: ${result.obstacle}` }
    if (process.platform !== 'linux') return { kind: 'exec', text: 'fresh processes, as always on this system' }
    return { text: 'fresh processes, but no warning' }
  }
  const [, code] = /code: ['"](ERR_\w+)['"]/.exec(stderr) ?? []
  if (code) return { kind: code, text: `error ${code}` }
  if (/@anyfork\/\S+ does not work in Deno/.test(stderr))
    // which prints no codes
    return { kind: 'ERR_UNSUPPORTED_RUNTIME', text: 'error: it does not work in Deno' }
  return { text: `ended with ${ending}: ${lastLine(stderr || stdout)}` }
}

function resultIn(stdout) {
  const line = stdout
    .trim()
    .split('\n')
    .findLast(text => text.startsWith('{'))
  try {
    return line && JSON.parse(line)
  } catch {
    return undefined
  }
}

function lastLine(text) {
  return text.trim().split('\n').at(-1).slice(0, 160)
}
