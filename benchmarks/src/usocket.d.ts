declare module 'usocket' {
  import type { Duplex } from 'node:stream'

  export class USocket extends Duplex {
    constructor(options: { fd: number })
    read(length?: number | null): Buffer | null
    read(length: number | null, descriptors: number | null): { data: Buffer | null; fds: number[] } | null
    write(message: { data: Uint8Array; fds: number[]; callback?: () => void }): boolean
    write(chunk: Uint8Array): boolean
  }
  const usocket: { USocket: typeof USocket }
  export default usocket
}
