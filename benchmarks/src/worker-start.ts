import { fork } from 'node:child_process'
import { once } from 'node:events'
import { ForkProcess, memoryOf } from '@anyfork/fork'
import { median, quantile } from './statistics.js'

/** One way to get a worker, measured. */
export interface WorkerStart {
  way: string
  module: string
  workers: number
  medianMilliseconds: number
  p95Milliseconds: number
  idleUssBytes: number
  idlePssBytes: number
}

/** A worker that has said its first byte. */
interface Started {
  milliseconds: number
  pid: number
  stop(): Promise<unknown>
}

/**
 * How long from asking for a worker to its first byte, and what does it take while
 * it waits? One after the other, beside `child_process.fork`, bare and with a module
 * that takes a third of a second to load.
 *
 * @param count - of workers of each kind; `child_process.fork`, which is slow, gets a tenth
 */
export async function workerStart(count = 200): Promise<WorkerStart[]> {
  const rows: WorkerStart[] = []
  for (const name of ['bare', 'heavy']) {
    const module = new URL(`./workers/${name}.js`, import.meta.url)
    const template = ForkProcess.exec().require(module)
    await template.ready()
    rows.push(await measure('@anyfork/fork', name, count, () => startForked(template, module)))
    await template.close()
    rows.push(await measure('child_process.fork', name, Math.ceil(count / 10), () => startProcess(module)))
  }
  return rows
}

async function measure(way: string, module: string, workers: number, start: () => Promise<Started>): Promise<WorkerStart> {
  await (await start()).stop()
  const times: number[] = []
  const uss: number[] = []
  const pss: number[] = []
  for (let i = 0; i < workers; i++) {
    const worker = await start()
    times.push(worker.milliseconds)
    const memory = await memoryOf(worker.pid)
    uss.push(memory.uss)
    pss.push(memory.pss)
    await worker.stop()
  }
  return { way, module, workers, medianMilliseconds: median(times), p95Milliseconds: quantile(times, 0.95), idleUssBytes: median(uss), idlePssBytes: median(pss) }
}

async function startForked(template: ForkProcess, module: URL): Promise<Started> {
  const asked = performance.now()
  const worker = template.fork()
  const socket = (await worker.run(module, 'hello')).toSocket()
  await once(socket, 'data')
  const milliseconds = performance.now() - asked
  const stop = (): Promise<unknown> => {
    socket.destroy()
    return worker.exited
  }
  return { milliseconds, pid: worker.pid!, stop }
}

async function startProcess(module: URL): Promise<Started> {
  const asked = performance.now()
  const child = fork(module)
  await once(child, 'message')
  const milliseconds = performance.now() - asked
  const stop = (): Promise<unknown> => {
    child.disconnect()
    return once(child, 'exit')
  }
  return { milliseconds, pid: child.pid!, stop }
}
