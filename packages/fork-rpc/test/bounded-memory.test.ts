import assert from 'node:assert/strict'
import { fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Descriptor } from '@anyfork/fdpass'
import { type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { blockUntil, untilAsleep } from './support/process-state.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

/** Events or results of 50 kB, together 50 MB. */
const COUNT = 1000
const SIZE = 50_000
/** What may wait for the caller: 4 MiB in an asynchronous process, and what fits in the buffers of the socket. */
const BACKLOG_BYTES = 8 << 20

for (const async of [false, true]) {
  describe(`a process whose caller does not read, with async: ${async}`, () => {
    const { fork, track } = useConnections()
    let progress: Descriptor
    const start = (name: string, options: RpcOptions = {}): Rpc => {
      progress = openUnlinked()
      track({ destroy: async () => progress.close() })
      return track(run(fork().sendFd(progress), worker, name, { async, init: 'recordProgress', ...options }))
    }
    /** Blocks until the process waits for its caller to read. Returns how many steps it has taken by then. */
    const stepsWithoutReading = ({ pid }: Rpc): number => {
      const steps = (): number => fstatSync(progress.fd).size
      blockUntil(
        () => steps() > 0,
        () => 'the process has not begun',
      )
      untilAsleep(pid!)
      return steps()
    }

    it('waits after a few megabytes of events, and sends the rest when the caller reads', async () => {
      let received = 0
      let sentUnread = 0
      const sendEvents = start('sendEvents', {
        onEvent: () => {
          if (!received++) sentUnread = stepsWithoutReading(sendEvents)
        },
      })
      await sendEvents(COUNT, SIZE)
      assert.equal(received, COUNT)
      assert.ok(sentUnread * SIZE < BACKLOG_BYTES, `has sent ${sentUnread} events`)
    })

    it('begins no more calls after a few megabytes of results, and begins the rest when the caller reads', async () => {
      const makeBuffer = start('makeBuffer')
      await makeBuffer.ready()
      const calls = Array.from({ length: COUNT }, () => makeBuffer(SIZE))
      await new Promise(process.nextTick) // the calls are written now
      const read = makeBuffer.counters.bytesReceived
      const begun = stepsWithoutReading(makeBuffer)
      const results = (await Promise.all(calls)) as Buffer[]
      assert.ok(results.every(({ length }) => length === SIZE))
      assert.ok(begun * SIZE - read < BACKLOG_BYTES, `has begun ${begun} calls`)
    })
  })
}

/** Opens an empty file that has no name any more. */
function openUnlinked(): Descriptor {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
  const file = new Descriptor(openSync(join(folder, 'file'), 'a'))
  rmSync(folder, { recursive: true })
  return file
}
