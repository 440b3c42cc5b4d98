import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** A compiled C program. Disposing of it removes its file. */
export interface CProgram extends Disposable {
  /** Runs the program to its end. Returns the numbers that it prints. */
  run(...args: readonly number[]): number[]
}

/**
 * Compiles a C program with `cc`.
 *
 * @param name - the file in `benchmarks/native`, without its suffix
 * @param sources - further sources, as paths from the root of the repository
 * @throws Error if there is no compiler, or if it fails
 */
export function compile(name: string, sources: readonly string[] = []): CProgram {
  const program = join(mkdtempSync(join(tmpdir(), 'anyfork-bench-')), name)
  const headers = join(dirname(dirname(process.execPath)), 'include/node')
  const files = [`benchmarks/native/${name}.c`, ...sources].map(path => join(root, path))
  execFileSync('cc', ['-O2', '-std=c11', '-D_GNU_SOURCE', `-I${headers}`, ...files, '-o', program])
  return {
    run: (...args) => execFileSync(program, args.map(String), { encoding: 'utf8' }).trim().split(' ').map(Number),
    [Symbol.dispose]: () => rmSync(dirname(program), { recursive: true }),
  }
}
