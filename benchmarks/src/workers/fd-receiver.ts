import { FdPasser } from '@anyfork/fdpasser'

/** Receives `argv[2]` descriptors over descriptor 3 and closes them. Then sends one back as an acknowledgement. */
const count = Number(process.argv[2])
const passer = new FdPasser({ fd: 3 })
let received = 0
let requested = 0
const ask = (): void => {
  if (requested++ < count) passer.pushRecv(onDescriptor)
}
const onDescriptor = (error: Error | undefined, descriptor?: { close(): void }): void => {
  if (!descriptor) throw error!
  descriptor.close()
  ask()
  if (++received === count) void passer.pushSend(0, { keep: true }).then(() => passer.close())
}
for (let i = 0; i < 1000; i++) ask()
