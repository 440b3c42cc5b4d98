import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recv, send, socketpair } from '@anyfork/fdpass'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Compiles the loop in C with the C interface of fdpass; it is gone once disposed of. */
export function compileLoop(): AsyncDisposable & { program: string } {
  const program = join(mkdtempSync(join(tmpdir(), 'anyfork-bench-')), 'pass-descriptor')
  const native = join(root, 'packages/fdpass/native')
  const headers = join(dirname(dirname(process.execPath)), 'include/node')
  execFileSync('cc', ['-O2', '-std=c11', '-D_GNU_SOURCE', `-I${headers}`, join(root, 'benchmarks/native/pass-descriptor.c'), ...['descriptor', 'peek', 'receive', 'rights', 'send'].map(name => join(native, `${name}.c`)), '-o', program])
  return { program, [Symbol.asyncDispose]: async () => rmSync(dirname(program), { recursive: true }) }
}

/** Descriptors a second, sent, received and closed by the program. */
export function loopInC(program: string, count: number): number {
  return 1e9 / Number(execFileSync(program, [`${count}`]))
}

/** The same in JavaScript. */
export function loop(count: number): number {
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
