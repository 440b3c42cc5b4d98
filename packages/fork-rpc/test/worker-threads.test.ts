import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { openDescriptors } from '@anyfork/test-support'
import { describe, it } from 'mocha'

async function useThread(): Promise<void> {
  const thread = new Worker(new URL('./fixtures/thread.js', import.meta.url))
  await once(thread, 'message')
  await thread.terminate()
}

describe('a worker thread with connections', () => {
  it('leaves no descriptor when it is terminated', async () => {
    await useThread()
    const before = openDescriptors()
    for (let i = 0; i < 3; i++) await useThread()
    for (const until = performance.now() + 5000; openDescriptors() !== before && performance.now() < until; )
      await new Promise(setImmediate)
    assert.equal(openDescriptors(), before)
  })
})
