import { ForkProcess, run } from '@anyfork/fork-rpc'

/** Runs in the other process: it is sent there as text. */
async function define(child: string): Promise<void> {
  const { event } = (await import(child)) as typeof import('@anyfork/fork-rpc/child')
  const count = async (to: number, ms: number): Promise<void> => {
    event(`starting to count up to ${to}`)
    for (let n = 1; n <= to; n++) {
      await new Promise(resolve => setTimeout(resolve, ms))
      event(`count ${n} of ${to}`)
    }
  }
  Object.assign(globalThis, { count })
}

const process_ = ForkProcess.create().eval(define, import.meta.resolve('@anyfork/fork-rpc/child'))
const count = run(process_, 'count', { async: true, onEvent: text => console.log(text) })
const ms = Number(process.argv[2] ?? 1000)
for (const to of [3, 2, 1]) void count(to, ms).then(() => console.log(`job ${to} finished`))
await count.close()
