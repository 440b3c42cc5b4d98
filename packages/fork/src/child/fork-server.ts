import type { Descriptor } from '@anyfork/fdpass'
import { checked, systemError } from '@anyfork/fdpass/internal'
import { binding, type NativeForkServer } from '../binding.js'
import type { ControlWatch } from '../protocol/control-channel.js'
import type { Ended } from '../protocol/reports.js'
import { areAllThreadsCopied, refusalOf } from '../safety/all-threads.js'
import type { Lifeline } from '../safety/lifeline.js'

/** libuv's flags. */
const READABLE = 1
const WRITABLE = 2

/** The events of `native/fork-server.h`, in its order. */
const events = ['ready', 'isChild', 'forked', 'forkFailed', 'exited', 'unknownEnded', 'childless'] as const

/** The fields of `struct fork_server_state` in `native/fork-server.h`. */
const State = {
  mayFork: 0,
  hasQueuedFrames: 1,
  tellsWhenChildless: 2,
  sharedLifeline: 3,
  ownLifeline: 4,
  copiesThreads: 5,
} as const

/** What the native part leaves to JavaScript. */
export interface ForkServerListener {
  /**
   * This process has just been forked: it has another control socket under the same number.
   *
   * @param hasOrder - whether an order has arrived
   * @param error - why the process could not be set up
   */
  onChild(hasOrder: boolean, error: Error | undefined): void
  /** A fork was made that could not be reported at once. */
  onForked(id: number, pid: number): void
  /** @param control - the number of a descriptor that the listener owns from now on */
  onForkFailed(id: number, control: number, error: Error): void
  /** A child has ended whose end could not be reported at once. */
  onExited(ended: Ended): void
  /** A child has ended that the server does not reap. */
  onUnknownEnded(pid: number): void
  /** The last child was reaped, after `tellWhenChildless`. */
  onChildless(): void
}

/**
 * The native part of this process that carries out orders to fork without JavaScript, and reaps the forks. Forked
 * processes inherit it.
 */
export class ForkServer {
  readonly #state = new Int32Array(Object.keys(State).length).fill(-1, State.sharedLifeline, State.copiesThreads)
  readonly #native: NativeForkServer
  readonly #childError = new Int32Array(1)
  #onReady: ((ready: { readable: boolean; writable: boolean }) => void) | undefined

  /** @param control - the control socket; borrowed */
  constructor(control: Descriptor, listener: ForkServerListener) {
    const onEvent = (event: number, a: number, b: number, c: number): void => {
      switch (events[event]) {
        case 'ready':
          return this.#onReady?.({ readable: (a & READABLE) !== 0, writable: (a & WRITABLE) !== 0 })
        case 'isChild':
          return listener.onChild(a === 1, b < 0 ? systemError(b, 'fork') : undefined)
        case 'forked':
          return listener.onForked(a, b)
        case 'forkFailed':
          return listener.onForkFailed(a, b, systemError(c, 'fork'))
        case 'exited':
          return listener.onExited({ pid: a, code: b, signal: c })
        case 'unknownEnded':
          return listener.onUnknownEnded(a)
        default:
          return listener.onChildless()
      }
    }
    this.#state[State.copiesThreads] = Number(areAllThreadsCopied())
    const native = binding.serve(control.fd, this.#state, onEvent)
    if (typeof native === 'number') throw systemError(native, 'uv_poll_init')
    this.#native = native
  }

  /** The pids of the children that the server reaps. */
  get children(): readonly number[] {
    return binding.serverChildren(this.#native)
  }

  /** The number of the lifeline that is armed for this process, if it has one. */
  get ownLifeline(): number | undefined {
    const fd = this.#state[State.ownLifeline]!
    return fd < 0 ? undefined : fd
  }

  /**
   * Sets whether orders to fork may be carried out as they arrive: no order is being carried out, none has arrived in
   * part, and nothing needs JavaScript before a fork.
   */
  set mayFork(on: boolean) {
    this.#state[State.mayFork] = Number(on)
  }

  /** Sets the descriptors by which children inherit the lifeline. */
  set lifeline({ shared, own }: Lifeline) {
    this.#state[State.sharedLifeline] = shared.fd
    this.#state[State.ownLifeline] = own?.fd ?? -1
  }

  /** Calls a function when the control socket is ready, unless the server has taken what has arrived. */
  watch(onReady: (ready: { readable: boolean; writable: boolean }) => void): ControlWatch {
    this.#onReady = onReady
    let isOpen = true
    const set = ({ readable, writable }: { readable: boolean; writable: boolean }): void => {
      checked(binding.serverWatch(this.#native, (readable ? READABLE : 0) | (writable ? WRITABLE : 0)), 'uv_poll_start')
    }
    set({ readable: true, writable: false })
    return {
      change: (events, hasQueuedFrames) => {
        this.#state[State.hasQueuedFrames] = Number(hasQueuedFrames)
        if (isOpen) set(events)
      },
      ref: () => binding.serverRef(this.#native, 1),
      unref: () => binding.serverRef(this.#native, 0),
      close: () => {
        if (isOpen) set({ readable: false, writable: false })
        isOpen = false
      },
    }
  }

  /** Starts to reap children. Call this before they are started elsewhere, so that no end is missed. */
  listen(): void {
    checked(binding.serverListen(this.#native), 'uv_signal_start')
  }

  /** Reaps a child that was started elsewhere, and reports its end. */
  addChild(pid: number): void {
    checked(binding.serverAddChild(this.#native, pid), 'realloc')
    binding.serverReap(this.#native)
  }

  /** Ends the server. No event follows. */
  close(): void {
    binding.serverClose(this.#native)
  }

  /** Has `onChildless` called. */
  tellWhenChildless(): void {
    this.#state[State.tellsWhenChildless] = 1
  }

  /**
   * Forks this process, and reaps the child.
   *
   * @param control - the control socket of the child; borrowed. In the child, it takes the place of this process's
   * @returns the pid, or 0 in the child
   * @throws the kernel's error if there is no child, or `ERR_CANNOT_COPY`
   */
  fork(control: Descriptor): number {
    const result = binding.serverFork(this.#native, control.fd, this.#childError)
    if (result < 0 && areAllThreadsCopied()) throw refusalOf(result)
    return checked(result, 'fork')
  }

  /** In a child that `fork` has made: why it could not be set up. */
  get childError(): Error | undefined {
    const [result] = this.#childError as unknown as [number]
    return result < 0 ? systemError(result, 'fork') : undefined
  }
}
