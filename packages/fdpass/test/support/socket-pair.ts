import assert from 'node:assert/strict'
import { type Descriptor, setNonblocking, socketpair } from '@anyfork/fdpass'
import { openDescriptors, until } from '@anyfork/test-support'
import { afterEach, beforeEach } from 'mocha'

/** The connected sockets of the current test. A test may close or replace them. */
export interface SocketPair {
  left: Descriptor
  right: Descriptor
}

/**
 * Gives each test of a suite a pair of connected non-blocking sockets. After each test, asserts that as many descriptors
 * are open as before it. Node closes some descriptors late, such as those of a child process: waits for them.
 *
 * @returns the sockets, which are valid in a test only
 */
export function useSocketPair(): SocketPair {
  const sockets = {} as SocketPair
  let before: number
  beforeEach(() => {
    before = openDescriptors()
    ;[sockets.left, sockets.right] = socketpair()
    for (const socket of [sockets.left, sockets.right]) setNonblocking(socket, true)
  })
  afterEach(async () => {
    for (const socket of [sockets.left, sockets.right]) socket[Symbol.dispose]()
    await until(
      () => openDescriptors() <= before,
      () => `${openDescriptors()} descriptors are open, ${before} were open before the test`,
    )
    assert.equal(openDescriptors(), before)
  })
  return sockets
}
