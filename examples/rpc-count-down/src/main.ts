import { ForkProcess, run } from '@anyfork/fork-rpc'

/**
 * Defines the global function `count` in the process where it runs. Its code is sent there as text, so it must not use
 * anything from outside its body.
 *
 * @param childModule - the URL of `@anyfork/fork-rpc/child`; code that is sent as text cannot look up packages by name
 */
async function defineCount(childModule: string): Promise<void> {
  const { event } = (await import(childModule)) as typeof import('@anyfork/fork-rpc/child')
  const count = async (to: number, intervalMs: number): Promise<void> => {
    event(`starting to count up to ${to}`)
    for (let n = 1; n <= to; n++) {
      await new Promise(resolve => setTimeout(resolve, intervalMs))
      event(`count ${n} of ${to}`)
    }
  }
  Object.assign(globalThis, { count })
}

const intervalMs = Number(process.argv[2] ?? 1000)
if (!(intervalMs >= 0)) {
  console.error('Usage: npm start -- [milliseconds between two counts]')
  process.exit(2)
}

const worker = ForkProcess.create().eval(defineCount, import.meta.resolve('@anyfork/fork-rpc/child'))
// With `async`, the worker runs several calls at a time; without, one after the other.
const count = run(worker, 'count', { async: true, onEvent: text => console.log(text) })
const jobs = [3, 2, 1].map(to => count(to, intervalMs).then(() => console.log(`job ${to} finished`)))
await Promise.all(jobs) // rejects if a call fails
await count.close()
