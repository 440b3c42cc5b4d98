import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { socketpair } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { until } from './patience.js'
import { descendantsOf } from './processes.js'

/** On macOS, its entries are no links: descriptors then have no names. */
const FDS = isLinux ? '/proc/self/fd' : '/dev/fd'

/** The kernel resources that a process holds. */
export interface Resources {
  /** One entry per open descriptor, such as `3=socket:[4711]`. */
  descriptors: string[]
  /** One entry per process below this one, such as `4711` or `4711 (zombie)`. */
  processes: string[]
}

/** Lists the open descriptors of this process, and all processes below it, zombies included. */
export function openResources(): Resources {
  return { descriptors: namesOfDescriptors(), processes: namesOfDescendants() }
}

/** Counts the open descriptors of this process. The count includes the one that reads the list. */
export function openDescriptors(): number {
  return readdirSync(FDS).length
}

/**
 * Waits until this process holds nothing that it did not hold before. Fails with the list of what is left. Node and the
 * kernel release some resources a moment after the call that releases them.
 *
 * @param before - from `openResources()`; fewer resources than before are not a failure
 */
export async function assertNothingLeft(before: Resources): Promise<void> {
  const isClean = (): boolean => {
    const { descriptors, processes } = openResources()
    return descriptors.length <= before.descriptors.length && processes.every(one => before.processes.includes(one))
  }
  try {
    await until(isClean)
  } catch {
    assert.deepEqual(openResources(), before)
  }
}

/**
 * Lists what this process holds after `warmUp`, to compare with later. When a process has ended, the event loop may still
 * have to close the socket to it, so the list is made some turns later.
 *
 * @param warmUp - does what may open descriptors for good, and waits for the ends of other processes that it starts
 */
export async function resourcesAfter(warmUp: () => Promise<unknown>): Promise<Resources> {
  await warmUp()
  for (let turn = 0; turn < 10; turn++) await setImmediate()
  return openResources()
}

/**
 * Makes libuv open its spare descriptor, which it does with the first stream of a process. Call it before the first
 * count of descriptors.
 */
export async function openSpareDescriptor(): Promise<void> {
  const [one, other] = socketpair()
  other.close()
  await new Promise(resolve => one.toSocket().on('close', resolve).destroy())
}

function namesOfDescriptors(): string[] {
  return readdirSync(FDS).map(fd => {
    try {
      return `${fd}=${readlinkSync(`${FDS}/${fd}`)}`
    } catch {
      return fd // the descriptor that has read the list
    }
  })
}

function namesOfDescendants(): string[] {
  return descendantsOf(process.pid).map(({ pid, isZombie }) => (isZombie ? `${pid} (zombie)` : `${pid}`))
}
