import { recv, send, socketpair } from '@anyfork/fdpass'
import { type CProgram, compile } from '../harness/c-program.js'

/** Compiles the benchmark in C, which uses the C interface of fdpass. */
export function compilePassing(): CProgram {
  return compile(
    'pass-descriptor',
    ['descriptor', 'receive-if-room', 'receive', 'message', 'send'].map(part => `packages/fdpass/native/${part}.c`),
  )
}

/** Sends, receives, and closes descriptors in C. Returns the descriptors per second. */
export function passInC(program: CProgram, count: number): number {
  return 1e9 / program.run(count)[0]!
}

/** Does the same in JavaScript. */
export function passInJs(count: number): number {
  const [left, right] = socketpair()
  const started = performance.now()
  for (let i = 0; i < count; i++) {
    send(left, 0)
    recv(right)!.close()
  }
  const seconds = (performance.now() - started) / 1000
  left.close()
  right.close()
  return count / seconds
}
