import { FdPasser } from '@anyfork/fdpasser'

/** Receives as many descriptors as argv says over descriptor 3, closes them, then sends one back. */
const count = Number(process.argv[2])
const passer = new FdPasser({ fd: 3 })
let received = 0
let asked = 0
const ask = (): void => {
  if (asked++ < count) passer.pushRecv(onDescriptor)
}
const onDescriptor = (error: Error | undefined, descriptor?: { close(): void }): void => {
  if (!descriptor) throw error!
  descriptor.close()
  ask()
  if (++received === count) void passer.pushSend(0, { keep: true }).then(() => passer.close())
}
for (let i = 0; i < 1000; i++) ask()
