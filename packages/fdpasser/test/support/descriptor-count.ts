import assert from 'node:assert/strict'
import { openDescriptors, until } from '@anyfork/test-support'
import { afterEach, beforeEach } from 'mocha'

/**
 * Asserts that as many descriptors are open as expected. Node closes some descriptors late, such as those of a child
 * process: waits for them.
 *
 * @param expected - from `openDescriptors()`
 */
export async function assertDescriptorCount(expected: number): Promise<void> {
  await until(
    () => openDescriptors() <= expected,
    () => `${openDescriptors()} descriptors are open, not ${expected}`,
  )
  assert.equal(openDescriptors(), expected)
}

/** Asserts after each test of a suite that as many descriptors are open as before it. */
export function checkDescriptorCount(): void {
  let before: number
  beforeEach(() => void (before = openDescriptors()))
  afterEach(() => assertDescriptorCount(before))
}
