import assert from 'node:assert/strict'
import type { FdPasser } from '@anyfork/fdpasser'
import { taggedPipe, tagOf } from '@anyfork/test-support'

/** Sends `count` tagged pipes, and at the same time receives and checks as many. */
export async function floodBothWays(passer: FdPasser, count: number): Promise<void> {
  const send = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      void passer.pushSend(taggedPipe(`${i}`))
      if (passer.pressure >= 1) await passer.drained()
    }
  }
  const receive = async (): Promise<void> => {
    for (let i = 0; i < count; i++) assert.equal(tagOf(await passer.pushRecv()), `${i}`)
  }
  await Promise.all([send(), receive()])
}
