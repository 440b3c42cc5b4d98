import { getHeapStatistics } from 'node:v8'
import { growthToReduce, reduceMemory } from '@anyfork/fork/internal/child'

/** How long a process must have been idle, in milliseconds. The real time is up to twice as long, at random. */
const IDLE_MS = 500
/** The wait before a collection, as a multiple of the time that it is expected to take. */
const PATIENCE = 10
/** How much garbage a collection goes through in a millisecond, at least, in bytes. */
const BYTES_PER_MS = 1 << 20
/** The least growth that is worth a collection, in bytes. */
const LEAST_GROWTH = 8 << 20

/**
 * Gives back the memory that calls have left behind, once the process has been idle for a while: V8 does not collect
 * garbage while nothing is allocated.
 *
 * A collection takes as long as in a busy process, and a call that arrives meanwhile waits. So the longer it will
 * probably take, the longer the process must have been idle. It also copies memory that the process has shared with its
 * template since it was forked. So nothing is done before the heap has grown by as much as the memory policy says.
 */
export class IdleMemory {
  /** By which part of its size the heap must have grown; 0: the process keeps its memory. */
  readonly #growth = growthToReduce() ?? 0
  /**
   * How long the process should be idle before `reduce` is called, in milliseconds. 0: never call it. Differs between
   * processes, so that those that become idle together do not all collect at the same time.
   */
  readonly firstWait: number = this.#growth ? Math.ceil(IDLE_MS * (1 + Math.random())) : 0
  /** The size after the last collection, or when the process began to serve. */
  #base = heapBytes().size

  /**
   * Gives memory back if that is worthwhile.
   *
   * @param idleMs - how long the process has been idle, in milliseconds
   * @returns how much longer the process should be idle before this is called again, in milliseconds; 0: call it after
   *   the next calls
   */
  reduce(idleMs: number): number {
    const { size, used } = heapBytes()
    if (size - this.#base < Math.max(LEAST_GROWTH, this.#base * this.#growth)) return 0
    const wait = Math.ceil((PATIENCE * used) / BYTES_PER_MS)
    if (idleMs < wait) return wait - idleMs
    reduceMemory()
    this.#base = heapBytes().size
    return 0
  }
}

/** Returns how many bytes the heap and its buffers take, and how many of the heap are in use or garbage. */
function heapBytes(): { size: number; used: number } {
  const { total_heap_size, external_memory, used_heap_size } = getHeapStatistics()
  return { size: total_heap_size + external_memory, used: used_heap_size }
}
