import { Script } from 'node:vm'
import { Descriptor, socketpair } from '@anyfork/fdpass'
import { ControlChannel } from '../control-channel.js'
import { Command } from '../frame.js'
import { decode, encode } from '../payload.js'

/**
 * Runs once, in the template, what every child begins with: V8 compiles a
 * function when it is first called, and children have what is compiled already.
 */
export async function rehearse(): Promise<void> {
  const [left, right] = socketpair()
  const [inner, outer] = socketpair()
  await new Promise<void>(resolve => {
    let open = 2
    const onClose = (): void => {
      if (--open) return
      sender.close()
      receiver.close()
      resolve()
    }
    const listener = {
      onFrame: ({ payload, descriptors }: { payload: Buffer; descriptors: Descriptor[] }) => {
        decode(payload)
        descriptors[0]!.toSocket().on('close', onClose).end('x')
      },
      onEnd: () => {},
    }
    const receiver = new ControlChannel(right, listener)
    const sender = new ControlChannel(left, listener)
    receiver.ref()
    sender.send(Command.run, 0, encode({ module: undefined, name: '', folder: '' }), [inner])
    inner.close()
    outer.toSocket().resume().on('close', onClose).end()
  })
}

/** A bit of everything, with no effect. */
const SAMPLE = `(({ list = [1], ...rest }) => {
  class Counter {
    #count = 0
    get next() { return ++this.#count }
    async *each(...values) {
      for await (const value of values) try { yield value } catch (cause) { throw new Error('', { cause }) }
    }
  }
  const counter = new Counter()
  const text = [...list, counter.next].map(value => value ?? 0).filter(value => typeof value === 'number' || value > 1).join(',')
  return text + JSON.stringify({ ...rest, text })
})({})`

/**
 * Compiles something. What compiles functions was let go of with all code that only loading
 * needed, but children need that, too: now the template has it in memory for them.
 */
export function recallCompiler(): void {
  new Script(SAMPLE).runInThisContext()
}
