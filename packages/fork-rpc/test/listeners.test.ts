import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

for (const async of [false, true]) {
  describe(`listeners with async: ${async}`, () => {
    const { start } = useConnections()
    const recordEnds = (): { ends: string[]; handlers: { async: boolean; onError(): void; onDestroy(): void } } => {
      const ends: string[] = []
      return { ends, handlers: { async, onError: () => ends.push('error'), onDestroy: () => ends.push('destroy') } }
    }

    it('onDestroy is called once, and onError never, when close() or destroy() has ended the process', async () => {
      const { ends, handlers } = recordEnds()
      await start('add', handlers).close()
      await start('add', handlers).destroy()
      assert.deepEqual(ends, ['destroy', 'destroy'])
    })

    it('onError is called once, and onDestroy never, when the process is killed or cannot serve', async () => {
      const { ends, handlers } = recordEnds()
      const killed = start('add', handlers)
      await killed.ready()
      process.kill(killed.pid!, 'SIGKILL')
      await killed.ended
      await start('absent', handlers).ended
      assert.deepEqual(ends, ['error', 'error'])
    })

    it('onEvent is called with "error" and the error if there is no onError', async () => {
      const seen: unknown[] = []
      const add = start('add', {
        async,
        onEvent: (...values) => seen.push(values[0], (values[1] as NodeJS.ErrnoException).code),
      })
      await add.ready()
      process.kill(add.pid!, 'SIGKILL')
      await add.ended
      assert.deepEqual(seen, ['error', 'ERR_PROCESS_EXITED'])
    })

    it('onEvent gets the events of a call before its result', async () => {
      const seen: unknown[] = []
      const ticking = start('ticking', { async, onEvent: (...values) => seen.push(values) })
      seen.push(await ticking())
      assert.deepEqual(seen, [['tick', 1], ['tick', 2], ['tick', 3], ['tick', 4], 'done'])
    })
  })
}
