import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { openDescriptors, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'

/** Runs a worker thread that has connections, and terminates it. */
async function useThread(): Promise<void> {
  const thread = new Worker(new URL('./fixtures/thread.js', import.meta.url))
  await once(thread, 'message')
  await thread.terminate()
}

describe('a worker thread with connections', () => {
  it('leaves no descriptor open when it is terminated', async () => {
    await useThread() // opens what stays open for the whole program
    const before = openDescriptors()
    await useThread()
    await until(
      () => openDescriptors() === before,
      () => `${openDescriptors()} descriptors are open, not ${before}`,
    )
  })
})
