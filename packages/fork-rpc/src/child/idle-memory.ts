import { getHeapStatistics } from 'node:v8'
import { bytesInStatus, growthToReduce, reduceMemory } from '@anyfork/fork/internal/child'

/** How long a process must have been idle, in milliseconds. The real time is up to twice as long, at random. */
const IDLE_MS = 500
/** The wait before a collection, as a multiple of the time that it is expected to take. */
const PATIENCE = 10
/** How much garbage a collection goes through in a millisecond, at least, in bytes. */
const BYTES_PER_MS = 1 << 20
/** The least growth of the memory that is worth a collection, in bytes. */
const LEAST_GROWTH = 8 << 20

/**
 * Gives back the memory that calls have left behind, once the process has been idle for a while: V8 does not collect
 * garbage while nothing is allocated.
 *
 * A collection takes as long as in a busy process, and a call that arrives meanwhile waits. So the longer it will
 * probably take, the longer the process must have been idle. It also copies memory that the process has shared with its
 * template since it was forked. So nothing is done before the memory has grown by as much as the memory policy says.
 */
export class IdleMemory {
  /** By which part of its size the memory must have grown; 0: the process keeps its memory. */
  readonly #growth = growthToReduce() ?? 0
  /**
   * How long the process should be idle before `reduce` is called, in milliseconds. 0: never call it. Differs between
   * processes, so that those that become idle together do not all collect at the same time.
   */
  readonly firstWait: number = this.#growth ? Math.ceil(IDLE_MS * (1 + Math.random())) : 0
  /** The size after the last collection, or when the process began to serve. */
  #base = this.#growth ? memoryBytes() : 0

  /**
   * Gives memory back if that is worthwhile.
   *
   * @param idleMs - how long the process has been idle, in milliseconds
   * @returns how much longer the process should be idle before this is called again, in milliseconds; 0: call it after
   *   the next calls
   */
  reduce(idleMs: number): number {
    if (!this.#hasGrown()) return 0
    const wait = Math.ceil((PATIENCE * getHeapStatistics().used_heap_size) / BYTES_PER_MS)
    if (idleMs < wait) return wait - idleMs
    reduceMemory()
    if (this.#hasGrown()) reduceMemory() // garbage that was made while V8 marked objects survives a collection
    this.#base = memoryBytes()
    return 0
  }

  #hasGrown(): boolean {
    return memoryBytes() - this.#base >= Math.max(LEAST_GROWTH, this.#base * this.#growth)
  }
}

/**
 * Returns how much memory the process has that no file backs, in bytes. Unlike the size of V8's heap, this includes pages
 * that V8 has freed and keeps for later, and what malloc(3) has. If it is unknown, for example in a process that is
 * confined to a folder, returns the size of the heap and its buffers.
 */
function memoryBytes(): number {
  const resident = bytesInStatus('self', 'RssAnon')
  if (resident) return resident
  const { total_heap_size, external_memory } = getHeapStatistics()
  return total_heap_size + external_memory
}
