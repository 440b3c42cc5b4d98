import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { ControlChannel } from '../protocol/control-channel.js'
import { Command } from '../protocol/frame.js'
import { decode, encode } from '../protocol/payload.js'

/**
 * Runs the code with which every child begins, once, in the template: V8 compiles a function at its first call, and
 * children inherit the compiled code.
 */
export async function warmUp(): Promise<void> {
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
